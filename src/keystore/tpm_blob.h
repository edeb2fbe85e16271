/* SPDX-License-Identifier: Apache-2.0 */
/* An object of a TPM as a file: "TSS2 PRIVATE KEY" in DER, which other software for TPMs reads and
 * writes as well (OID 2.23.133.10.1.3), with the owner's storage key as its parent; and as bare bytes
 * inside of a sealed key. Owner: one thread. */
#pragma once

#include "base/span.h"
#include "keystore/tpm_link.h"

#define TPM_BLOB_MAX_BYTES 2048

/* To `out` of TPM_BLOB_MAX_BYTES bytes. -EIO. */
MQTT_NODISCARD int tpm_blob_encode(const struct tpm_library *library,
                                   const struct tpm_object *object, uint8_t *out, size_t *out_len,
                                   struct pki_fault *fault);

/* -EBADMSG: it is none; -ENOTSUP: its parent is another, or it has a password. */
MQTT_NODISCARD int tpm_blob_decode(const struct tpm_library *library, struct mqtt_span der,
                                   struct tpm_object *out, struct pki_fault *fault);

/* Public part, then private part, as the TPM's own bytes; `out` has `size` bytes. -EIO. */
MQTT_NODISCARD int tpm_blob_marshal(const struct tpm_library *library,
                                    const struct tpm_object *object, uint8_t *out, size_t size,
                                    size_t *out_len);
/* -EBADMSG. */
MQTT_NODISCARD int tpm_blob_unmarshal(const struct tpm_library *library, struct mqtt_span bytes,
                                      struct tpm_object *out);
