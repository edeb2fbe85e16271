# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(sealed_format USES keystore)
