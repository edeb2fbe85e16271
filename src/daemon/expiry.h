/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that end at a time that was said at their beginning: those of a token. By the facts
 * of the connection, which are its own.
 *
 * Owner: the shard's thread. Bounded by limits.connections. */
#pragma once

#include "base/bytes_map.h"
#include "core/broker.h"
#include "loop/loop.h"

struct expiry {
    struct bytes_map map;
    struct loop *loop;
};

void expiry_init(struct expiry *expiry, const struct siphash_key *key);
void expiry_fini(struct expiry *expiry); /* before the loop is closed */

/* The client is disconnected in `in_ms`; said again, the last one counts. -ENOMEM. */
MQTT_NODISCARD int expiry_set(struct expiry *expiry, const void *facts, struct client *client,
                              uint64_t in_ms);

/* Was a time said? */
bool expiry_has(const struct expiry *expiry, const void *facts);

/* It has ended. One that was not set is fine. */
void expiry_remove(struct expiry *expiry, const void *facts);
