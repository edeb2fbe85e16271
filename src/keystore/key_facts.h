/* SPDX-License-Identifier: Apache-2.0 */
/* What there is to know about the key in a device's file, without its private number: how it is
 * kept, which key it is, who can read the file, and, if it cannot be opened, why. Owner: one
 * thread. */
#pragma once

#include "pki/fault.h"
#include "pki/identity_extension.h"
#include "pki/key.h"

#include <stdbool.h>
#include <stdint.h>

struct key_facts {
    enum key_protection protection; /* unknown: not even that could be read */
    bool is_sealed_by_tpm;          /* of a sealed one; else the machine's secret does it */
    bool is_open;                   /* what follows is known */
    enum key_algorithm algorithm;
    uint8_t sha256[KEY_SHA256_BYTES]; /* of its SubjectPublicKeyInfo */
    int error;                        /* when it is not open: negative errno */
    struct pki_fault why;
};

/* Opens it as whoever connects would: a token is logged in to, a TPM is asked. */
void key_facts_of(const char *path, struct key_facts *out);
