/* SPDX-License-Identifier: Apache-2.0 */
/* A device's key and its certificate, for people and for programs. */
#pragma once

#include "keystore/key_facts.h"
#include "pki/certificate.h"
#include "tools/profile.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What is the matter with the certificate. Zero is the worst. */
enum keys_certificate {
    KEYS_CERTIFICATE_MISSING = 0, /* or none that can be read */
    KEYS_CERTIFICATE_OF_OTHER,    /* it belongs to another key */
    KEYS_CERTIFICATE_EXPIRED,
    KEYS_CERTIFICATE_NOT_YET,
    KEYS_CERTIFICATE_GOOD,
    KEYS_CERTIFICATE_NONE, /* a file that an interrupted change left has none */
    KEYS_CERTIFICATE_COUNT,
};

struct keys_print {
    const struct profile *place; /* borrowed */
    struct key_facts key;
    unsigned mode; /* of the file; 0: there is none */
    unsigned long owner;
    enum keys_certificate state;
    bool is_attested;                     /* says the certificate, of a key in a TPM */
    struct certificate_facts certificate; /* unless it is missing */
};

/* Looks at all of it. */
void keys_print_of(const struct profile *place, int64_t now_s, struct keys_print *out);

/* Can the device connect with it, and nobody else? */
bool keys_print_is_good(const struct keys_print *one);

void keys_print_people(const struct keys_print *one);

/* NULL out of memory. The caller owns it. */
json_t *keys_print_json(const struct keys_print *one);

/* " (attested)" or " (declared)" of a key in hardware, "" of others. Static. */
const char *keys_print_proof(const struct keys_print *one);

/* "sealed (machine)", "sealed (TPM)", "plain", ... */
const char *keys_print_level(const struct key_facts *key);
