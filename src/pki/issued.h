/* SPDX-License-Identifier: Apache-2.0 */
/* Every certificate that was ever signed for an identity, also those that a later one succeeds:
 * what a revocation list is made of, and what a device may show that did not get its last one.
 * And every key that an identity ever had.
 *
 * Owner: the thread of the registry. Functions return 0 or a negative errno with the reason in
 * *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

/* Writes down that `name` has this certificate of this key. One that is there already is left as
 * it is. */
MQTT_NODISCARD int issued_record(struct registry *registry, const char *name,
                                 const uint8_t key_sha256[REGISTRY_KEY_BYTES],
                                 const struct registry_certificate *certificate, int64_t now_s,
                                 struct pki_fault *fault);

struct issued {
    char name[IDENTITY_URI_NAME_SIZE];
    uint8_t key_sha256[REGISTRY_KEY_BYTES];
    int64_t not_after_s;
    int64_t revoked_s; /* 0: is not */
};

/* -ENOENT: it is none of ours. */
MQTT_NODISCARD int issued_find(struct registry *registry, const uint8_t fingerprint[32],
                               struct issued *out, struct pki_fault *fault);

/* Was a certificate of this key ever revoked? */
MQTT_NODISCARD int issued_key_is_revoked(struct registry *registry,
                                         const uint8_t key_sha256[REGISTRY_KEY_BYTES], bool *out,
                                         struct pki_fault *fault);

/* Gives an identity another key with its first certificate; it is active afterwards. Its old key
 * stays its own: nobody else can have it. -ENOENT; -ENOTUNIQ: the key is another's. */
MQTT_NODISCARD int issued_replace_key(struct registry *registry, const char *name,
                                      const uint8_t key_sha256[REGISTRY_KEY_BYTES],
                                      const struct registry_certificate *certificate, int64_t now_s,
                                      struct pki_fault *fault);
