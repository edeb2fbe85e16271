/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that are blocked for a time, since they attacked before they had proved anything: for
 * limits.source_block_s the first time, twice as long each time that one is back within a day, up to
 * limits.source_block_longest_s.
 *
 * Thread-safe. As long as nobody is blocked bar_has() takes no lock. Bounded: limits.source_blocks as
 * they were at the start; for a further one that goes whose time ends first. What is in it does not
 * outlive the process. Times: `now_ms` is monotonic, `now_s` UTC. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "core/limits.h"
#include "pki/barred.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bar;

MQTT_NODISCARD struct bar *bar_new(const struct siphash_key *key, const struct limits *limits);
void bar_free(struct bar *bar); /* NULL is fine */

/* Other times. */
void bar_set_limits(struct bar *bar, const struct limits *limits);

bool bar_has(struct bar *bar, const struct barred_place *place, uint64_t now_ms);

enum bar_verdict {
    BAR_PARDONED = 0, /* nothing is done */
    BAR_ALREADY,      /* it is blocked */
    BAR_BEGUN,
};

/* When it is now. */
struct bar_now {
    uint64_t ms;
    int64_t s;
};

/* From now on it is blocked, until *out_until_s; with is_dry nothing changes. */
enum bar_verdict bar_begin(struct bar *bar, const struct barred_place *place,
                           const struct bar_now *now, bool is_dry, int64_t *out_until_s);

/* It is free, what was before is forgotten, and it is not blocked for so long. True: it was. */
bool bar_pardon(struct bar *bar, const struct barred_place *place, uint32_t for_s,
                const struct bar_now *now);

/* Those that are blocked now, malloc'ed; NULL: out of memory. */
MQTT_NODISCARD struct barred *bar_list(struct bar *bar, uint64_t now_ms, size_t *out_count);

/* Another one as soon as somebody else is. */
uint64_t bar_version(struct bar *bar);
