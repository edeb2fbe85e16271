/* SPDX-License-Identifier: Apache-2.0 */
/* The text of a list of blocked keys, a line for each:
 *
 *     # a comment; empty lines are fine too
 *     HEX                 64 digits: SHA-256 of a SubjectPublicKeyInfo in DER
 *     HEX REASON          the same, and why: printable ASCII, up to 199 bytes
 *     modulus-sha1:TAG    20 digits: the last 80 bits of the SHA-1 of an RSA key's
 *                         "Modulus=…\n" (keycheck_modulus_tag()); a reason may follow
 *     TAG                 20 digits alone, as in Debian's openssl-blacklist
 *
 * Digits in either case; spaces and tabs between and around; lines end with LF or CR LF.
 * Thread-safe. */
#pragma once

#include "base/span.h"

#include <stdint.h>

#define BLOCKED_KEY_BYTES   32
#define BLOCKED_TAG_BYTES   10
#define BLOCKED_REASON_SIZE 200 /* with the NUL */

enum blocked_line_kind {
    BLOCKED_LINE_WRONG = 0,
    BLOCKED_LINE_EMPTY, /* or a comment */
    BLOCKED_LINE_KEY,
    BLOCKED_LINE_MODULUS,
};

struct blocked_line {
    enum blocked_line_kind kind;
    const char *why;               /* WRONG: what is; static */
    uint8_t id[BLOCKED_KEY_BYTES]; /* KEY: all of it; MODULUS: the first BLOCKED_TAG_BYTES */
    char reason[BLOCKED_REASON_SIZE];
};

/* One line, without its end. */
void blocked_line_parse(struct mqtt_span line, struct blocked_line *out);

/* Calls `visit` for each line, from 1 on, empty and wrong ones too. A result other than 0 ends the
 * list and is returned. */
typedef int (*blocked_list_visit)(void *context, size_t number, const struct blocked_line *line);
int blocked_list_read(struct mqtt_span text, blocked_list_visit visit, void *context);

/* `count` bytes from twice as many digits. False: other characters, or another number of them. */
bool blocked_list_decode(struct mqtt_span hex, uint8_t *out, size_t count);
