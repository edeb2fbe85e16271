# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(audit_line USES audit)
tacit_fuzz(audit_head USES audit)
