/* SPDX-License-Identifier: Apache-2.0 */
/* What the shards of one daemon share: the retained messages, and which shard has
 * subscribers for what.
 *
 * Thread-safe through the lock given to shared_new(), taken once per call and
 * never on a cached route: a publisher asks shared_generation(), which reads one
 * atomic word. Without a lock: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"
#include "core/ports.h"

#include <stdint.h>

struct shared;
struct limits;

MQTT_NODISCARD struct shared *shared_new(const struct siphash_key *key,
                                         const struct shared_lock *lock, unsigned shard_count);
void shared_free(struct shared *shared); /* NULL is fine */
