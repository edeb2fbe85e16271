# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(attest USES attest)
