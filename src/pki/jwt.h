/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Tokens of services: RFC 7519, signed (RFC 7515), never encrypted.
 *
 * The key says which algorithm a token has to be signed with, not the token: RSA (2048 bits and
 * more) RS256, P-256 ES256, Ed25519 EdDSA. No "none", and no shared secret. A token names its
 * issuer and audience and ends ("exp"); "nbf" and "iat" are heeded where they are. Clocks may
 * differ by JWT_LEEWAY_S.
 *
 * Thread-safe: a key is immutable and counted. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

#define JWT_METHOD    "JWT"
#define JWT_BYTES_MAX 8192
#define JWT_LEEWAY_S  60

struct jwt_key;

/* Reads a public key in PEM. -EINVAL: none, or not one of the three kinds; -ENOMEM; or what the
 * file system said. Counted once. */
MQTT_NODISCARD int jwt_key_load(const char *path, struct jwt_key **out, struct pki_fault *fault);
struct jwt_key *jwt_key_ref(struct jwt_key *key);
void jwt_key_unref(struct jwt_key *key); /* NULL is fine */

/* What a token has to say, and which of its claims say who it is for. */
struct jwt_rules {
    const char *issuer;
    const char *audience;
    const char *name_claim;
    const char *role_claim;   /* NULL: the role is not the token's */
    const char *tenant_claim; /* NULL, or not in the token: none */
    const char *site_claim;
};

/* Empty strings where nothing is said. Valid names otherwise (registry_name_is_valid). */
struct jwt_claims {
    char name[REGISTRY_TEXT_SIZE];
    char role[REGISTRY_TEXT_SIZE];
    char tenant[REGISTRY_TEXT_SIZE];
    char site[REGISTRY_TEXT_SIZE];
    int64_t expires_s; /* UTC, the leeway included */
};

/* Does it look like one? For telling it from a password. */
bool jwt_is_likely(struct mqtt_span text);

/* 0; or -EACCES with a static text in *out_why; or -ENOMEM. What is not signed by the key is not
 * looked into. */
MQTT_NODISCARD int jwt_verify(const struct jwt_key *key, const struct jwt_rules *rules,
                              struct mqtt_span token, int64_t now_s, struct jwt_claims *out,
                              const char **out_why);
