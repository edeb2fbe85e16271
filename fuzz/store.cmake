# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(snapshot USES store DEFINES _GNU_SOURCE)
