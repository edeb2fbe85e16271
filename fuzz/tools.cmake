# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(address USES net tools DEFINES _GNU_SOURCE)
tacit_fuzz(log_noted USES tools DEFINES _GNU_SOURCE)
tacit_fuzz(print USES tools LIBS PkgConfig::JANSSON DEFINES _GNU_SOURCE)
