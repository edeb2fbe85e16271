/* SPDX-License-Identifier: Apache-2.0 */
/* Where each key is seen: the connections of all shards that proved one, by key. Part of what the
 * shards share (shared.h); promise I5.
 *
 * Thread-safe through the lock of the shared state, which is taken when a connection comes, goes or
 * is asked about, and for nothing else. Connections of other shards are known by number. Bounded
 * by limits.connections: what is kept of a key goes with its last connection. */
#pragma once

#include "base/attrs.h"
#include "core/ports.h"
#include "core/shared.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIGHTINGS_TURNS    4u /* so many changes between two places are no accident */
#define SIGHTINGS_TURNS_MS 60000u

enum sighting_state {
    SIGHTING_WAITS = 0, /* it came and has not been let in yet */
    SIGHTING_IN,
    SIGHTING_HELD,
    SIGHTING_DISMISSED, /* its end has been ordered: no newcomer asks for it any more */
};

/* One connection. Owner: its shard; the inside is read by others under the lock. */
struct sighting;

/* A connection, wherever it is. */
struct sighting_ref {
    uint64_t number; /* never used twice; a later one is higher */
    unsigned shard;
};

/* Enters a connection in state SIGHTING_WAITS. Copies everything. NULL out of memory. */
MQTT_NODISCARD struct sighting *sightings_enter(struct shared *shared, unsigned shard,
                                                const struct credential *credential,
                                                struct mqtt_span client_id);

/* And forgets it. NULL is fine. */
void sightings_leave(struct shared *shared, struct sighting *sighting);

uint64_t sightings_number(const struct sighting *sighting);
void sightings_set_state(struct shared *shared, struct sighting *sighting,
                         enum sighting_state state);

/* The earlier connections of the same key that this one cannot be beside: of the same client
 * identifier, or from another place. Those that are held or dismissed do not count. How many were
 * written to `out`, `most` at most. */
size_t sightings_meet(struct shared *shared, const struct sighting *sighting,
                      struct sighting_ref *out, size_t most);

/* All other connections of the key that are in. */
size_t sightings_list(struct shared *shared, const struct sighting *sighting,
                      struct sighting_ref *out, size_t most);

/* Another connection of the key is to be ended. True: it is of the same client identifier. */
bool sightings_dismiss(struct shared *shared, const struct sighting *sighting, uint64_t number);

/* How many connections of the key are held or wait for being it. */
size_t sightings_count_held(struct shared *shared, const struct sighting *sighting);

/* The key's connection has come in in place of one that gave no sign of life. True: it has been
 * going back and forth between two places, SIGHTINGS_TURNS times in SIGHTINGS_TURNS_MS. */
bool sightings_take_turn(struct shared *shared, const struct sighting *sighting, uint64_t now_ms);

/* What an event tells of this connection and of another one of its key, in one heap block. */
struct sighting_pair {
    struct mqtt_span client_id;
    struct event_clone clone; /* but for `done`; without the other one when that has left */
    uint8_t bytes[];
};

/* To be freed by free(). NULL out of memory. */
struct sighting_pair *sightings_describe(struct shared *shared, const struct sighting *sighting,
                                         uint64_t other);
