# SPDX-License-Identifier: Apache-2.0
tacit_proof(frame USES codec base)
tacit_proof(topic_match USES codec base)
tacit_proof(topic_rules USES codec base)
tacit_proof(utf8 USES codec base)
tacit_proof(varint USES codec base)
