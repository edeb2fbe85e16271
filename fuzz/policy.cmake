# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(filter USES policy)
tacit_fuzz(policy USES policy)
