/* SPDX-License-Identifier: Apache-2.0 */
/* Who has presented wrong tokens, and whether he is heard again. Failures are booked to where they
 * came from and never to the name that was claimed: nobody can lock out a device by its name.
 *
 * Two kinds of bucket, full at first: each address (IPv4) or /64 (IPv6) has one of its own, and all
 * have one together. A failure takes one of each. Who finds his own empty is not heard; while the
 * common one is empty, neither are those who have failed before, but everybody else is: a guesser
 * with many addresses does not keep honest devices out.
 *
 * Owner: one thread. Memory is bounded by `sources`. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

#define EST_ATTEMPTS_REFILL_MS     6000u /* one failure of one source is forgotten in that time */
#define EST_ATTEMPTS_REFILL_ALL_MS 100u  /* and one of all */

struct est_attempts;

struct est_attempts_options {
    uint32_t sources;      /* remembered at most; at least 1 */
    uint32_t failures;     /* of one source at once */
    uint32_t failures_all; /* of all at once */
};

/* NULL out of memory, or without random numbers. */
MQTT_NODISCARD struct est_attempts *est_attempts_new(const struct est_attempts_options *options);
void est_attempts_free(struct est_attempts *attempts); /* NULL is fine */

/* 0: it is heard; else after how many seconds it may be. `address` is numeric; what is no address
 * is a source like any other. */
unsigned est_attempts_wait_s(struct est_attempts *attempts, const char *address, uint64_t now_ms);

/* It has failed. Out of memory the source is not remembered. */
void est_attempts_book(struct est_attempts *attempts, const char *address, uint64_t now_ms);

/* How many sources are remembered; for tests. */
uint32_t est_attempts_count(const struct est_attempts *attempts);
