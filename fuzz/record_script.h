/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of TLS 1.3 says after the handshake, by a script: records that are sealed as they
 * should be, with whatever in them, and some that are not. The sealing is OpenSSL's and this file's
 * own, and shares nothing with tls/record. */
#pragma once

#include "script.h"
#include "tls/record.h"

#include <openssl/evp.h>

#define RECORD_SCRIPT_BYTES 262144u

struct record_script_keys {
    uint8_t secret[TLS_SECRET_MOST_BYTES];
    uint8_t key[TLS_KEY_MOST_BYTES];
    uint8_t nonce[TLS_NONCE_BYTES];
    uint64_t sequence;
};

struct record_script {
    enum tls_suite suite;
    EVP_CIPHER *ciphers[TLS_SUITE_COUNT];
    EVP_CIPHER_CTX *context;
    struct record_script_keys now;
    struct record_script_keys first; /* which are often the same in the next run */
    enum tls_suite first_suite;
    uint8_t message[5]; /* of a handshake, as far as it was said */
    size_t message_len;
    unsigned renewals;
    unsigned requests;  /* renewals that ask for one */
    bool has_long;      /* a record had more in it than section 5.4 allows */
    size_t len;         /* of what is sent */
    size_t content_len; /* of the data in it */
    uint8_t bytes[RECORD_SCRIPT_BYTES];
    uint8_t content[RECORD_SCRIPT_BYTES];
};

/* Ready to speak with that secret; nothing is said. Ciphers are made once. */
void record_script_begin(struct record_script *said, enum tls_suite suite, const uint8_t *secret);

/* Records, until the script ends or there is no more room. */
void record_script_run(struct record_script *said, struct mqtt_reader *script);
