/* SPDX-License-Identifier: Apache-2.0 */
/* Passwords as they are kept: as verifiers, from which nobody gets them back.
 *
 *   $argon2id$v=19$m=32768,t=3,p=1$salt$hash   what this broker writes (RFC 9106)
 *   $6$salt$hash                               of mosquitto: SHA-512 of password and salt
 *   $7$rounds$salt$hash                        of mosquitto: PBKDF2 with HMAC-SHA-512
 *
 * To verify costs 32 MiB and some 80 ms of one processor, whichever it is, right or wrong: a
 * helper thread's work. Stateless, thread-safe. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"

#include <stdbool.h>

#define PASSWORD_BYTES_MAX     1024
#define PASSWORD_VERIFIER_SIZE 256   /* with its NUL */
#define PASSWORD_MEMORY_KIB    32768 /* of one verification */
#define PASSWORD_PASSES        3

/* Zero lets nobody in. */
enum password_verdict {
    PASSWORD_WRONG = 0,
    PASSWORD_RIGHT,
    PASSWORD_RIGHT_BUT_OLD, /* right; its verifier should be made anew with password_hash() */
};

/* May it be set? 1..PASSWORD_BYTES_MAX printable ASCII characters, which look the same whatever
 * the client's keyboard and its normalisation (RFC 4013) make of them. -EINVAL says why not. */
MQTT_NODISCARD int password_check(struct mqtt_span password, struct pki_fault *fault);

/* A new verifier with a salt of its own. Any 1..PASSWORD_BYTES_MAX bytes. -ENOMEM, -EIO. */
MQTT_NODISCARD int password_hash(struct mqtt_span password, char out[PASSWORD_VERIFIER_SIZE],
                                 struct pki_fault *fault);

/* Is it one of the three, with costs that are bounded? */
bool password_verifier_is_valid(const char *verifier);

/* `verifier` NULL or not valid: as expensive, and wrong. -ENOMEM: not decided. */
MQTT_NODISCARD int password_verify(const char *verifier, struct mqtt_span password,
                                   enum password_verdict *out);

/* A password that nobody has to remember: 24 letters and digits, 119 bits. -EIO. */
#define PASSWORD_GENERATED_SIZE 25
MQTT_NODISCARD int password_generate(char out[PASSWORD_GENERATED_SIZE]);
