# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(client USES client ports codec base)
