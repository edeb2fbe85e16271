/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions of sessions, and the groups of shared ones. MQTT 5.0 sections 3.8
 * and 4.8.
 *
 * Owner: the shard. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "codec/subscribe.h"
#include "core/delivery.h"
#include "core/topic_index.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct session;
struct message;
struct share_group;
struct topic_quota;

/* What hangs off a filter in the index: a subscription, or a group of them. */
struct subscriber {
    struct topic_link link;
    bool is_group;
};

struct subscription {
    struct subscriber subscriber; /* first; detached when shared: its group is attached */
    struct bytes_node by_key;     /* session pointer, then the whole filter */
    struct list in_session;
    struct session *session;
    struct share_group *group; /* NULL: not shared */
    struct list in_group;
    struct identifiers *identifiers; /* its one Subscription Identifier, or NULL */
    enum mqtt_qos qos : 8;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling;
    bool is_present;            /* shared, and counted as having a client */
    bool is_resting;            /* its session is frozen: other shards do not know of it */
    uint64_t number;            /* in the journal; 0: it is not kept on disk */
    uint32_t judged_generation; /* of policy: the topic `judged_hash` was allowed by it */
    uint64_t judged_hash;       /* keyed */
    struct topic_quota *quota;  /* of its scoped wildcard grant; NULL: it needs none */
    uint8_t key[];
};

/* The members of one shared subscription on this shard. */
struct share_group {
    struct subscriber subscriber; /* first */
    struct bytes_node by_key;     /* ShareName, a NUL, filter */
    struct list members;          /* subscription.in_group; the next to serve comes first */
    uint32_t count;
    uint8_t key[];
};

/* Borrowed, or NULL. `filter` is whole, "$share/..." included. */
struct subscription *subscription_find(const struct session *session, struct mqtt_span filter);

/* Adds a subscription or changes the one with that filter. `filter` is valid and allowed.
 * *out_is_new tells which. NULL out of memory: nothing changed. */
struct subscription *subscription_set(struct session *session,
                                      const struct mqtt_subscription *wanted, uint32_t identifier,
                                      bool *out_is_new);
void subscription_remove(struct subscription *subscription);

/* What the policy says of a filter without its share part, as the client sees it. */
struct policy_decision session_judge_filter(struct session *session, struct mqtt_span seen);

/* Ties it to the scoped grant of the decision, or to none. -ENOMEM. */
MQTT_NODISCARD int subscription_scope(struct subscription *subscription,
                                      const struct policy_decision *decision);

/* Judges it by the policy in force and takes over what that says of QoS and scope. False: it is
 * no longer granted, to be removed. */
MQTT_NODISCARD bool subscription_judge_again(struct subscription *subscription);

/* May a message on this topic (as in the broker) be delivered by it: is its session allowed to
 * have it, and its scope not used up? */
bool subscription_may_receive(struct subscription *subscription, struct mqtt_span topic);

/* The session's client came or went: its shared subscriptions count accordingly. */
void subscription_presence(struct session *session, bool is_present);

/* It is kept on disk, or not any more: other shards keep what they send for it. */
void subscription_is_kept(struct subscription *subscription, bool is_kept);

/* Its session is frozen: other shards send nothing for it and choose no member of its group here
 * for its sake. On this shard nothing is delivered to it anyway, as it has no role. */
void subscription_rest(struct subscription *subscription);

/* And is so no longer. -ENOMEM: it still is. */
MQTT_NODISCARD int subscription_wake(struct subscription *subscription);

/* The whole filter as the client wrote it. */
struct mqtt_span subscription_filter(const struct subscription *subscription);

/* Borrowed, or NULL. The key is ShareName, a NUL, filter. */
struct share_group *share_group_find(const struct broker *broker, struct mqtt_span key);

/* Gives a message to one member of the group: the next in turn whose client is
 * connected and has room, else the next in turn that may have it queued. DELIVERY_NOBODY: those
 * on this shard may not have it, also because a change of policy has yet to end what they are. */
enum delivery_result share_group_deliver(struct share_group *group, struct publication *publication,
                                         uint64_t now_ms);

/* A message that came to the session by a shared subscription goes to another member of that
 * group that may have it, here or on another shard, if there is one. */
void share_hand_on(struct session *session, struct message *message, uint64_t now_ms);

/* A shared subscriber's session ends: its unsent QoS 1 messages go to others.
 * [MQTT-4.8.2-4] area; QoS 2 in flight may not [MQTT-4.8.2-5]. */
void share_redistribute(struct session *session, uint64_t now_ms);
