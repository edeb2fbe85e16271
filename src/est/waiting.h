/* SPDX-License-Identifier: Apache-2.0 */
/* Challenges that wait for a TPM's answer: one for each key, each good once and for a while. Owner: one
 * thread. Memory is bounded by `count`; what was secret in a place is wiped when it is left. */
#pragma once

#include "attest/judge.h"
#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

struct est_waiting;

/* For `count` keys at once (at least 1), `patience_ms` each. NULL: out of memory. */
MQTT_NODISCARD struct est_waiting *est_waiting_new(uint32_t count, uint32_t patience_ms);
void est_waiting_free(struct est_waiting *waiting); /* NULL is fine */

/* Copies it, in the place of what the key waited with before. Where all places are taken it is that of
 * the one who has waited longest. */
void est_waiting_put(struct est_waiting *waiting, const uint8_t key_sha256[ATTEST_HASH_BYTES],
                     const struct attest_pending *pending, uint64_t now_ms);

/* False: nothing waits for that key, or not any more. The caller wipes *out. */
MQTT_NODISCARD bool est_waiting_take(struct est_waiting *waiting,
                                     const uint8_t key_sha256[ATTEST_HASH_BYTES], uint64_t now_ms,
                                     struct attest_pending *out);
