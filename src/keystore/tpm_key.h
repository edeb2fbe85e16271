/* SPDX-License-Identifier: Apache-2.0 */
/* A P-256 key that was made inside of a TPM and cannot leave it: it lies as a blob that this TPM
 * alone can load, or at a persistent handle. A TPM that signs is asked for that moment only.
 * Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "keystore/tpm_blob.h"

#include <stdint.h>
#include <tacit/key.h>

/* A new key; its blob to `out` of TPM_BLOB_MAX_BYTES bytes. Errors of tpm_link_open(); -EIO. */
MQTT_NODISCARD int tpm_key_make(uint8_t *out, size_t *out_len, struct pki_fault *fault);

/* The same at that persistent handle, if nothing is there; else what is there is left as it is. */
MQTT_NODISCARD int tpm_key_make_at(uint32_t handle, struct pki_fault *fault);

/* -EBADMSG: this is no such key; -EPERM: it was not made inside, or can be moved elsewhere; errors of
 * tpm_link_open(). */
MQTT_NODISCARD int tpm_key_of_blob(struct mqtt_span der, struct tacit_key *out,
                                   struct pki_fault *fault);

/* -ENOENT: nothing is there; as tpm_key_of_blob(). */
MQTT_NODISCARD int tpm_key_at(uint32_t handle, struct tacit_key *out, struct pki_fault *fault);

#define TPM_KEY_SECRET_BYTES 32

/* A secret as bytes that this TPM alone can open, to `out` of `size` bytes, and back. Errors of
 * tpm_link_open(); -EIO; -EKEYREJECTED: it was sealed by another TPM. The caller wipes it. */
MQTT_NODISCARD int tpm_key_seal(const uint8_t secret[TPM_KEY_SECRET_BYTES], uint8_t *out,
                                size_t size, size_t *out_len, struct pki_fault *fault);
MQTT_NODISCARD int tpm_key_unseal(struct mqtt_span sealed, uint8_t secret[TPM_KEY_SECRET_BYTES],
                                  struct pki_fault *fault);
