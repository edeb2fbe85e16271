/* SPDX-License-Identifier: Apache-2.0 */
/* Which devices came and went on a shard since somebody last asked, for pki/activity.h.
 *
 * Thread-safe: the shard notes, the keeper takes. Bounded: who comes when it is full is noted when
 * it leaves, or the next time. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "pki/activity.h"

#include <stddef.h>
#include <stdint.h>

struct sightings;

/* NULL out of memory. `most` different devices. */
MQTT_NODISCARD struct sightings *sightings_new(const struct siphash_key *key, size_t most);
void sightings_free(struct sightings *sightings); /* NULL is fine */

/* Names that cannot be in the registry are left out. `now_s`: seconds since 1970. */
void sightings_note(struct sightings *sightings, const char *name, const char *address,
                    int64_t now_s);

/* Hands out everything and is empty then: how many, and an array to free(); 0 also out of memory,
 * when all of it stays. */
size_t sightings_take(struct sightings *sightings, struct activity_seen **out);
