/* SPDX-License-Identifier: Apache-2.0 */
/* The key of the audit log, and what else the log needs of cryptography (audit/port.h): Ed25519, and
 * SHA-256. Owner: one thread; but audit_key_hash() is thread-safe. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUDIT_KEY_HASH_BYTES      32
#define AUDIT_KEY_SIGNATURE_BYTES 64
#define AUDIT_KEY_PEM_BYTES       256 /* of a public key, and NUL */

struct audit_key;

/* The key in the file, made (mode 0600) if there is none. What key_load_or_create_as() says;
 * -EINVAL: it is not of Ed25519. Its public half is put to `public_path` as PEM. */
MQTT_NODISCARD int audit_key_open(const char *path, const char *public_path, struct audit_key **out,
                                  struct pki_fault *fault);

/* Only to verify with: a public key in PEM. -ENOENT, -EBADMSG, -EINVAL. */
MQTT_NODISCARD int audit_key_read(const char *public_path, struct audit_key **out,
                                  struct pki_fault *fault);
void audit_key_free(struct audit_key *key); /* wipes; NULL is fine */

/* SHA-256 of the SubjectPublicKeyInfo. */
void audit_key_fingerprint(const struct audit_key *key, uint8_t out[AUDIT_KEY_HASH_BYTES]);

/* The public half; `out` has AUDIT_KEY_PEM_BYTES. -ENOMEM. */
MQTT_NODISCARD int audit_key_public_pem(const struct audit_key *key, char *out);

/* -EPERM: there is only the public half; -EIO. */
MQTT_NODISCARD int audit_key_sign(const struct audit_key *key, struct mqtt_span bytes,
                                  uint8_t out[AUDIT_KEY_SIGNATURE_BYTES]);
bool audit_key_verify(const struct audit_key *key, struct mqtt_span bytes,
                      const uint8_t signature[AUDIT_KEY_SIGNATURE_BYTES]);

/* SHA-256. */
void audit_key_hash(struct mqtt_span bytes, uint8_t out[AUDIT_KEY_HASH_BYTES]);

/* The same with what the key keeps for it: for many, one after the other. Not thread-safe. */
void audit_key_hash_record(struct audit_key *key, struct mqtt_span bytes,
                           uint8_t out[AUDIT_KEY_HASH_BYTES]);

/* For the id of a log. -EIO. */
MQTT_NODISCARD int audit_key_random(void *out, size_t len);
