# SPDX-License-Identifier: Apache-2.0
tacit_fuzz(identity_uri USES pki)
tacit_fuzz(csr USES pki)
tacit_fuzz(blocked_keys USES pki)
tacit_fuzz(keycheck USES keycheck)
tacit_fuzz(identity_extension USES pki)
tacit_fuzz(scram USES pki)
tacit_fuzz(jwt USES pki DEFINES _GNU_SOURCE)
tacit_fuzz(password_line USES pki)
