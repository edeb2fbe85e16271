/* SPDX-License-Identifier: Apache-2.0 */
/* How many different topics one subscription was served: the bound of a scoped wildcard
 * grant. Remembers keyed hashes, 8 to 32 bytes a topic.
 *
 * Owner: the shard. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

struct topic_quota;

/* At least 1 topic. NULL out of memory. */
MQTT_NODISCARD struct topic_quota *topic_quota_new(uint32_t most_topics);
void topic_quota_free(struct topic_quota *quota); /* NULL is fine */

/* A bound that is lower than what was served serves these and no others. */
void topic_quota_set(struct topic_quota *quota, uint32_t most_topics);

/* May the topic with this hash be served? It was before, or there is room: then it is
 * remembered. False also when memory is out. */
MQTT_NODISCARD bool topic_quota_admit(struct topic_quota *quota, uint64_t hash);

/* True at the first call after a topic was turned away, false from then on. */
bool topic_quota_tell_full(struct topic_quota *quota);
