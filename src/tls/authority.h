/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: authorities and certificates of every kind, good and bad, in the directory of a
 * fixture. Everything that goes wrong here aborts. */
#pragma once

#include "tls/fixture.h"

#include <stddef.h>

#define TLS_AUTHORITY_EXTENSIONS 5

enum tls_authority_key {
    TLS_AUTHORITY_P256 = 0,
    TLS_AUTHORITY_ED25519,
    TLS_AUTHORITY_RSA_1024,
    TLS_AUTHORITY_RSA_2048,
};

struct tls_authority_subject {
    const char *file;   /* FILE.crt, with `chain` behind the certificate, and FILE.key */
    const char *issuer; /* a FILE made before; NULL: itself */
    const char *chain;  /* a FILE whose certificates are sent along; NULL: none */
    enum tls_authority_key key;
    long serial;
    long from_s; /* validity relative to now */
    long until_s;
    bool uses_sha1;      /* for the signature */
    bool is_forged;      /* the signature is of something else */
    size_t filler_bytes; /* of a comment in it */
    struct {
        const char *name; /* as in OpenSSL's configuration; NULL: no more */
        const char *value;
    } extensions[TLS_AUTHORITY_EXTENSIONS];
};

/* The common name is that of the file. */
void tls_authority_make(const struct tls_fixture *fixture,
                        const struct tls_authority_subject *subject);

/* The certificates of several FILEs in one: FILE.crt. */
void tls_authority_join(const struct tls_fixture *fixture, const char *file,
                        const char *const *files, size_t count);
