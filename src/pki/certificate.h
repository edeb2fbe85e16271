/* SPDX-License-Identifier: Apache-2.0 */
/* An X.509 certificate and the facts we read from it. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
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

MQTT_NODISCARD int certificate_facts_of(const struct certificate *certificate,
                                        struct certificate_facts *out, struct pki_fault *fault);

/* Is this the certificate of that key? */
bool certificate_matches_key(const struct certificate *certificate, const struct key *key);

/* Is it signed by that authority, and valid at `now_s`? */
bool certificate_is_valid_under(const struct certificate *certificate,
                                const struct certificate *authority, int64_t now_s);

/* Alternative names for people, comma-separated: "DNS:localhost, IP:127.0.0.1". Cut to fit. */
void certificate_names(const struct certificate *certificate, char *out, size_t size);
