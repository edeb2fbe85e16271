# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(config USES config)
tacit_fuzz(learn USES config)
tacit_fuzz(term USES config)
