/* SPDX-License-Identifier: Apache-2.0 */
/* One-time tokens: who has one may enrol as the identity it was made for, once, with the key of
 * their choice, until it expires. The registry keeps a hash; the token itself is shown when it is
 * made and never again. A name has one token that can be used at most: a new one cancels it.
 *
 * Owner: the thread of the registry. Functions return 0 or a negative errno with the reason in
 * *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"
#include "pki/token_text.h"

#include <stdbool.h>
#include <stdint.h>

#define TOKENS_LIFE_S     86400 /* unless the operator says otherwise */
#define TOKENS_LIFE_MIN_S 60
#define TOKENS_LIFE_MAX_S (366 * 86400)
#define TOKENS_KEPT_S     INT64_C(2592000) /* so long after its end one is still explained */

struct token {
    int64_t id;
    char name[IDENTITY_URI_NAME_SIZE];
    enum identity_kind kind;
    char role[REGISTRY_TEXT_SIZE];
    char tenant[REGISTRY_TEXT_SIZE]; /* empty, as site: none */
    char site[REGISTRY_TEXT_SIZE];
    unsigned days; /* of the certificate; 0: the CA's default */
    bool replaces; /* the key of an identity that exists */
    int64_t created_s;
    int64_t expires_s;
    int64_t used_s;                         /* 0: is not */
    uint8_t key_sha256[REGISTRY_KEY_BYTES]; /* by which key; all zero: is not */
    /* For tokens_create(): the TPM that whoever enrols is to have (attestation.h). NULL: not said. */
    const uint8_t *endorsement;
};

/* Makes one as `wanted` says (id, created_s, used_s and the key are set here) and cancels what
 * the name had; an endorsement key is written down with it. The token is written to `out_text` of TOKEN_TEXT_SIZE bytes. -EINVAL: a name is
 * not valid, or it expires too soon or too late; -EEXIST: the name is taken, and the token is not
 * to replace its key; -ENOENT: it is, but there is nobody of that name; -EPERM: that identity is
 * retired, or suspended. */
MQTT_NODISCARD int tokens_create(struct registry *registry, const struct token *wanted,
                                 int64_t now_s, char *out_text, struct pki_fault *fault);

/* Calls `visit` for each that can still be used, by name; a result other than 0 ends the list and
 * is returned. `visit` may not change the registry. */
typedef int (*tokens_visit)(void *context, const struct token *token);
MQTT_NODISCARD int tokens_list(struct registry *registry, int64_t now_s, tokens_visit visit,
                               void *context, struct pki_fault *fault);

/* Removes what could still be used for `name`. How many, or a negative errno. */
MQTT_NODISCARD int tokens_cancel(struct registry *registry, const char *name,
                                 struct pki_fault *fault);

/* ---- parts of an enrolment, inside its transaction ---- */

/* -ENOENT: there is none of that hash. */
MQTT_NODISCARD int tokens_find(struct registry *registry, const uint8_t hash[TOKEN_HASH_BYTES],
                               struct token *out, struct pki_fault *fault);

/* Who used it, with which key. -EALREADY: somebody did before. */
MQTT_NODISCARD int tokens_mark_used(struct registry *registry, int64_t id,
                                    const uint8_t key_sha256[REGISTRY_KEY_BYTES], int64_t now_s,
                                    struct pki_fault *fault);

/* A right to enrol that nobody had to be given a token for, written down as one that is used and
 * never forgotten. `hash` names whose right it was. */
MQTT_NODISCARD int tokens_record(struct registry *registry, const struct token *token,
                                 const uint8_t hash[TOKEN_HASH_BYTES], struct pki_fault *fault);
