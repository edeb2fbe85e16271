/* SPDX-License-Identifier: Apache-2.0 */
/* An X.509 certificate and the facts we read from it. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/der.h"
#include "pki/fault.h"
#include "pki/identity_extension.h"
#include "pki/key.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

struct certificate;
struct x509_st;

struct certificate_facts {
    struct registry_certificate registered;
    uint8_t key_sha256[KEY_SHA256_BYTES];
    char common_name[IDENTITY_URI_NAME_SIZE]; /* cut when longer */
    char uri[IDENTITY_URI_SIZE];              /* first URI SAN; empty: none, or too long */
    enum key_algorithm algorithm;             /* KEY_ALGORITHM_COUNT: another one */
    bool is_ca;
};

void certificate_free(struct certificate *certificate); /* NULL is fine */

/* Takes over an OpenSSL object, for the other files of this layer. NULL: no memory. */
MQTT_NODISCARD struct certificate *certificate_take(struct x509_st *x509);
struct x509_st *certificate_handle(const struct certificate *certificate); /* borrowed */

/* -ENOENT, -EACCES, -EBADMSG: no certificate in PEM. */
MQTT_NODISCARD int certificate_load(const char *path, struct certificate **out,
                                    struct pki_fault *fault);

/* Written whole or not at all, mode 0600; a file of that name is replaced. */
MQTT_NODISCARD int certificate_save(const struct certificate *certificate, const char *path,
                                    struct pki_fault *fault);

/* -ENOMEM. */
MQTT_NODISCARD int certificate_encode(const struct certificate *certificate, struct der *out);

/* From exactly those bytes. -EBADMSG: they are no certificate in DER; -ENOMEM. */
MQTT_NODISCARD int certificate_decode(struct mqtt_span der, struct certificate **out);

/* The same certificate once more, with a life of its own. NULL: no memory. */
MQTT_NODISCARD struct certificate *certificate_copy(const struct certificate *certificate);

/* ---- several in one file ---- */

#define CERTIFICATE_LIST_MAX 8 /* issuing CAs that are valid at once, or links of a chain */

struct certificate_list {
    size_t count;
    struct certificate *all[CERTIFICATE_LIST_MAX]; /* owned */
};

void certificate_list_fini(struct certificate_list *list); /* a zero one is fine */

/* At the end of the list; takes over `certificate` in any case. -ENOMEM: it is NULL; -E2BIG. */
MQTT_NODISCARD int certificate_list_add(struct certificate_list *list,
                                        struct certificate *certificate);

/* All of the file, one at least. Errors as certificate_load(), and -E2BIG. */
MQTT_NODISCARD int certificate_list_load(const char *path, struct certificate_list *out,
                                         struct pki_fault *fault);

/* In PEM, NUL-terminated, from malloc; free() it. -ENOMEM. */
MQTT_NODISCARD int certificate_list_encode(const struct certificate_list *list, char **out);

/* As certificate_save(). */
MQTT_NODISCARD int certificate_list_save(const struct certificate_list *list, const char *path,
                                         struct pki_fault *fault);

/* ---- what it says ---- */

/* What it says besides its name. -ENOENT: it has no such extension; -EBADMSG: one that is not
 * as identity_extension_encode() writes it. */
MQTT_NODISCARD int certificate_extension_of(const struct certificate *certificate,
                                            struct identity_extension *out);

/* Is it a root: signed by its own key? */
bool certificate_is_self_signed(const struct certificate *certificate);

MQTT_NODISCARD int certificate_facts_of(const struct certificate *certificate,
                                        struct certificate_facts *out, struct pki_fault *fault);

/* Is this the certificate of that key? */
bool certificate_matches_key(const struct certificate *certificate, const struct key *key);

/* Is it signed by that authority, and valid at `now_s`? */
bool certificate_is_valid_under(const struct certificate *certificate,
                                const struct certificate *authority, int64_t now_s);

/* Alternative names for people, comma-separated: "DNS:localhost, IP:127.0.0.1". Cut to fit. */
void certificate_names(const struct certificate *certificate, char *out, size_t size);
