/* SPDX-License-Identifier: Apache-2.0 */
/* SCRAM-SHA-256, the server's side: RFC 5802 and RFC 7677, without channel binding.
 *
 *   client-first  n,,n=USER,r=NONCE          server-first  r=NONCE+OURS,s=SALT,i=ROUNDS
 *   client-final  c=biws,r=NONCE+OURS,p=PROOF              server-final  v=SIGNATURE
 *
 * What the server keeps proves a client right and cannot be used as one. The password itself is
 * never sent. Stateless, thread-safe. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdint.h>

#define SCRAM_METHOD     "SCRAM-SHA-256"
#define SCRAM_KEY_BYTES  32
#define SCRAM_SALT_BYTES 16
#define SCRAM_ROUNDS     15000   /* of new passwords: some 5 ms of the client's time */
#define SCRAM_ROUNDS_MIN 4096    /* RFC 7677 */
#define SCRAM_ROUNDS_MAX 1000000 /* what a row of the registry may say */

#define SCRAM_USER_SIZE  129 /* with its NUL */
#define SCRAM_TEXT_SIZE  513 /* longest message of a client and NUL */
#define SCRAM_NONCE_SIZE 33  /* ours: 24 bytes in base64 */
#define SCRAM_FIRST_SIZE (SCRAM_TEXT_SIZE + 96)
#define SCRAM_FINAL_SIZE 64

struct scram_keys {
    uint8_t salt[SCRAM_SALT_BYTES];
    uint32_t rounds;
    uint8_t stored[SCRAM_KEY_BYTES];
    uint8_t server[SCRAM_KEY_BYTES];
};

/* A client-first message, understood. */
struct scram_first {
    char user[SCRAM_USER_SIZE]; /* =2C and =3D decoded */
    char header[8];             /* "n,," or "y,,": c= has to repeat it */
    char bare[SCRAM_TEXT_SIZE];
    char nonce[SCRAM_TEXT_SIZE];
};

/* An exchange between server-first and client-final. */
struct scram_exchange {
    struct scram_first first;
    struct scram_keys keys;
    char nonce[SCRAM_TEXT_SIZE + SCRAM_NONCE_SIZE]; /* the client's and ours */
    char server_first[SCRAM_FIRST_SIZE];
};

/* Of a password. -EIO: the crypto library says no. */
MQTT_NODISCARD int scram_derive(struct mqtt_span password, const uint8_t salt[SCRAM_SALT_BYTES],
                                uint32_t rounds, struct scram_keys *out);

/* The same with a new salt and SCRAM_ROUNDS. */
MQTT_NODISCARD int scram_keys_new(struct mqtt_span password, struct scram_keys *out);

/* For a user that there is not: the same salt whenever it is asked for, and no proof fits. */
MQTT_NODISCARD int scram_pretend(const uint8_t secret[SCRAM_KEY_BYTES], const char *user,
                                 struct scram_keys *out);

/* -EBADMSG: no such message; -ENOTSUP: it wants channel binding, an extension, or to speak for
 * another user. */
MQTT_NODISCARD int scram_read_first(struct mqtt_span message, struct scram_first *out);

/* Our nonce. -EIO. */
MQTT_NODISCARD int scram_nonce(char out[SCRAM_NONCE_SIZE]);

/* Makes server-first, in out->server_first. */
void scram_begin(const struct scram_first *first, const struct scram_keys *keys, const char *nonce,
                 struct scram_exchange *out);

/* Judges client-final: 0 with server-final in `out`; -EACCES: the proof is wrong; -EBADMSG: no such
 * message, or of another exchange; -EIO. */
MQTT_NODISCARD int scram_finish(const struct scram_exchange *exchange, struct mqtt_span message,
                                char out[SCRAM_FINAL_SIZE]);
