/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys a TPM has proved to have, and which TPM the operator expects of whom (promise I7). What
 * is proved, and how, is not the business of the registry: src/attest judges that. It is proved of one
 * key, and ends when the identity has another, or declares that its key is kept elsewhere.
 *
 * A TPM is named by the SHA-256 of its endorsement key's SubjectPublicKeyInfo.
 *
 * Owner: the thread of the registry. Functions return 0 or a negative errno with the reason in *fault
 * (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdint.h>

/* `name` is to have this TPM and no other, whether there is an identity of that name already or not
 * yet; until another one is named. */
MQTT_NODISCARD int attestation_expect(struct registry *registry, const char *name,
                                      const uint8_t endorsement[REGISTRY_KEY_BYTES], int64_t now_s,
                                      struct pki_fault *fault);

/* -ENOENT: none is named, *fault untouched. */
MQTT_NODISCARD int attestation_expected(struct registry *registry, const char *name,
                                        uint8_t out[REGISTRY_KEY_BYTES], struct pki_fault *fault);

struct attestation {
    uint8_t key_sha256[REGISTRY_KEY_BYTES];  /* of the identity's key */
    uint8_t endorsement[REGISTRY_KEY_BYTES]; /* of the TPM that has it */
    char by[REGISTRY_WORD_SIZE];             /* "ek-certificate" or "ek-list" */
    int64_t since_s;
};

/* The key of `name` is in that TPM; its protection is "tpm" from now on, whatever was declared.
 * -EACCES: the identity has another key, or there is none; -EPERM: it is not active, or held. */
MQTT_NODISCARD int attestation_record(struct registry *registry, const char *name,
                                      const struct attestation *proved, struct pki_fault *fault);

/* -ENOENT: its key is not attested, *fault untouched. */
MQTT_NODISCARD int attestation_find(struct registry *registry, const char *name,
                                    struct attestation *out, struct pki_fault *fault);
