/* SPDX-License-Identifier: Apache-2.0 */
/* A token bucket that several shards may share: one word, no lock.
 *
 * Thread-safe. It holds as many tokens as its rate gives in its span of time and starts full. What
 * is kept is the time at which it would be full again; zero is a full bucket. Times are monotonic
 * milliseconds below 2^43. */
#pragma once

#include "base/attrs.h"
#include "policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct bucket {
    _Atomic uint64_t full_ns;
};

/* Takes so many tokens if all of them are there. A rate without a bound always has them. */
MQTT_NODISCARD bool bucket_take(struct bucket *bucket, const struct policy_rate *rate,
                                uint64_t count, uint64_t now_ms);

/* Takes them in any case: the bucket may come to owe some. Returns the milliseconds until there is
 * one token again, 0: there is one. Never more than BUCKET_OWES_MS. */
#define BUCKET_OWES_MS UINT64_C(3600000)
MQTT_NODISCARD uint64_t bucket_charge(struct bucket *bucket, const struct policy_rate *rate,
                                      uint64_t count, uint64_t now_ms);

/* Does it not differ from a new one? */
bool bucket_is_full(const struct bucket *bucket, uint64_t now_ms);
