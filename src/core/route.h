/* SPDX-License-Identifier: Apache-2.0 */
/* The route cache: from a topic to who receives it, found once and kept while no
 * subscription and no policy changes.
 *
 * Owner: the shard. A route is valid while its generations equal the broker's; a
 * stale one is rebuilt in place. A client remembers its last routes together
 * with whether it may publish there: in steady state a PUBLISH costs one
 * comparison of topic and generations. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "core/delivery.h"
#include "core/shared.h"
#include "core/subscription.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct client;

/* One session that receives a topic by its own subscriptions. */
struct route_target {
    struct session *session;
    struct identifiers *identifiers; /* counted; NULL: none */
    enum mqtt_qos qos : 8;           /* highest of its matching subscriptions */
    bool retain_as_published;
    bool no_local; /* one of them says so */
};

struct route {
    struct bytes_node by_topic;
    struct list by_use;
    uint64_t generation;
    uint64_t shared_generation;
    uint64_t sense_bit; /* of the topic for the detector; 0: not made yet, or it is reserved */
    struct route_target *targets;
    struct share_group **groups; /* groups on this shard, when there is one shard */
    struct interest interest;    /* of the other shards, and all groups, when there are several */
    uint32_t target_count;
    uint32_t target_capacity;
    uint32_t group_count;
    uint32_t group_capacity;
    uint32_t turn;        /* takes shards in turn for groups that span several */
    uint32_t sense_topic; /* hash for the detector; 0: not made yet */
    bool is_watched;      /* watch.h */
    uint8_t topic[];
};

/* May this client publish there? */
struct publish_permission {
    struct route *route;
    struct policy_publish judgement;
};

/* The valid route of a topic; NULL out of memory. */
struct route *route_find(struct broker *broker, struct mqtt_span topic);

/* The route and the permission of a client, from its hints if they hold; `topic` as in the
 * broker. `route` is NULL out of memory. */
MQTT_HOT struct publish_permission route_permit(struct client *client, struct mqtt_span topic);

/* Is one of its receivers kept on disk? */
bool route_is_kept(const struct route *route);

void routes_fini(struct broker *broker);

/* Size of the hints of one client, for their pool. */
size_t route_hints_bytes(void);

/* Result of routing one message. */
struct routed {
    uint32_t matched;  /* sessions, groups and shards it was for */
    uint32_t accepted; /* of them, how many took it */
    uint32_t awaited;  /* parcels that another shard has to reply to: publish_replied() */
    bool refused;      /* somebody's queue was full */
};

/* Counts one receiver, and what became of the message there. */
static inline void routed_add(struct routed *routed, enum delivery_result result)
{
    routed->matched++;
    routed->accepted += result == DELIVERY_DONE;
    routed->refused |= result == DELIVERY_REFUSED;
}

/* How this target wants that message. Into `out` and not as a value: gcc puts a small struct together
 * in memory, piece by piece, and loads it as a whole, which waits until every store before it has
 * left the processor. That was 22 % of the CPU of a fan-out to 1,000. */
static inline void route_terms(const struct route_target *target,
                               const struct publication *publication, struct terms *out)
{
    out->identifiers = target->identifiers;
    out->qos = publication->qos < target->qos ? publication->qos : target->qos;
    out->retain = publication->retain && target->retain_as_published;
    out->shared = false;
}

/* To the sessions of this shard that subscribed by themselves; groups and other shards not. */
MQTT_HOT void route_deliver(struct route *route, struct publication *publication, uint64_t now_ms,
                            struct routed *routed);

/* To everybody; added to `out`. */
MQTT_HOT void route_publish(struct broker *broker, struct route *route,
                            struct publication *publication, uint64_t now_ms, struct routed *out);

/* Keeps it if it is retained, then routes it: what a PUBLISH, a will, $SYS do. */
struct routed broker_publish(struct broker *broker, struct publication *publication,
                             uint64_t now_ms);
