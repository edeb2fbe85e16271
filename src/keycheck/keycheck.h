/* SPDX-License-Identifier: Apache-2.0 */
/* What is known to be wrong with a public key.
 *
 * Pure and without state: the key in, a verdict out, and the verdict of a key never changes. The
 * subject is the SubjectPublicKeyInfo in DER, which is also what names a key in the registry: so
 * a key that could be written in two ways, and would have two names, is refused here (promise I2).
 *
 * What is looked for: other algorithms and curves; RSA of less than 2048 bits, with a small or even
 * exponent, with a factor below 752, with the mark of CVE-2017-15361 (ROCA), with primes so close
 * that a hundred steps after Fermat find them; moduli and points that no random generator makes;
 * points beside the curve and of small order; private keys that are small numbers.
 *
 * What no look at one key can tell: that others have the same (the registry), that it was published
 * (pki/blocked_keys.h), that it was made with few random bits, like those of CVE-2008-0166 (lists
 * of which pki/blocked_keys.h reads).
 *
 * A good key is refused with a probability below 2^-60. Thread-safe. */
#pragma once

#include "base/span.h"

#include <stdint.h>

/* Zero refuses; only KEYCHECK_FINE does not. */
enum keycheck_fault {
#define FAULT(name, text) name,
#include "keycheck/keycheck.def"
#undef FAULT
    KEYCHECK_FAULT_COUNT,
};

/* A few microseconds are what a handshake can spare. */
enum keycheck_depth {
    KEYCHECK_THOROUGH = 0, /* private keys up to 65535 and their negatives: milliseconds */
    KEYCHECK_QUICK,        /* the first 16 of them; the rest as thorough */
};

#define KEYCHECK_ALGORITHM_SIZE 48
#define KEYCHECK_TAG_BYTES      10

struct keycheck_result {
    enum keycheck_fault fault;
    char algorithm[KEYCHECK_ALGORITHM_SIZE]; /* "P-256", "RSA-2048", "Ed25519"; printable; "" when
                                                unreadable */
};

struct evp_pkey_st;

/* Of a SubjectPublicKeyInfo, nothing before or after it. Out of memory: KEYCHECK_UNREADABLE. */
struct keycheck_result keycheck_of_spki(struct mqtt_span spki, enum keycheck_depth depth);

/* The same, thorough, of an OpenSSL key (EVP_PKEY), as OpenSSL would write it. */
struct keycheck_result keycheck_of(const struct evp_pkey_st *key);

/* One sentence without a full stop, static. */
const char *keycheck_text(enum keycheck_fault fault);

/* How lists of CVE-2008-0166 name an RSA key: the last 80 bits of the SHA-1 of
 * "Modulus=HEX\n". False: it is none, or cannot be read; `out` is untouched. */
bool keycheck_modulus_tag(struct mqtt_span spki, uint8_t out[KEYCHECK_TAG_BYTES]);
