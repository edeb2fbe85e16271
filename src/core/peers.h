/* SPDX-License-Identifier: Apache-2.0 */
/* Messages between shards: one copy for each interested shard, gathered during a
 * turn and handed over together. Private to the core. */
#pragma once

#include "core/route.h"

#include <stdint.h>

/* Gives a publication to the other shards on its route, and serves the shared
 * subscriptions: each group gets it on one shard, in turn by number of members. For what is kept
 * on its way, and a publication with a ticket, the other shards reply: publish_replied(). */
void peers_route(struct broker *broker, struct route *route, struct publication *publication,
                 uint64_t now_ms, struct routed *routed);

/* Hands an order of clone.h to another shard. Out of memory it is lost, as one to somebody who has
 * just left. */
void peers_send_order(struct broker *broker, unsigned shard, struct mqtt_span order);

/* Gives a publication to a member of the group on another shard, if there is one.
 * `key` is the group's: ShareName, NUL, filter. */
enum delivery_result peers_hand_on(struct broker *broker, struct mqtt_span key,
                                   struct publication *publication);
