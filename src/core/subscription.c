/* SPDX-License-Identifier: Apache-2.0 */
#include "core/subscription.h"

#include "codec/topic.h"
#include "core/client.h"
#include "core/peers.h"
#include "core/policy_walk.h"
#include "core/session.h"
#include "core/shared.h"
#include "core/state.h"
#include "core/topic_quota.h"

#include <stdlib.h>
#include <string.h>

/* A key is the session's address, then the filter: sessions cannot collide. */
#define KEY_PREFIX sizeof(uintptr_t)

static struct subscription *from_node(struct bytes_node *node)
{
    return MQTT_CONTAINER_OF(node, struct subscription, by_key);
}

static struct mqtt_span make_key(uint8_t *memory, const struct session *session,
                                 struct mqtt_span filter)
{
    const uintptr_t address = (uintptr_t)session;

    memcpy(memory, &address, sizeof(address));
    memcpy(memory + KEY_PREFIX, filter.data, filter.len);
    return (struct mqtt_span){ memory, KEY_PREFIX + filter.len };
}

struct subscription *subscription_find(const struct session *session, struct mqtt_span filter)
{
    MQTT_UNINITIALIZED uint8_t memory[KEY_PREFIX + 65535];
    struct bytes_node *node =
        bytes_map_find(&session->broker->subscriptions, make_key(memory, session, filter));

    return node != NULL ? from_node(node) : NULL;
}

struct mqtt_span subscription_filter(const struct subscription *subscription)
{
    return (struct mqtt_span){ subscription->by_key.key.data + KEY_PREFIX,
                               subscription->by_key.key.len - KEY_PREFIX };
}

struct share_group *share_group_find(const struct broker *broker, struct mqtt_span key)
{
    struct bytes_node *node = bytes_map_find(&broker->groups, key);

    return node != NULL ? MQTT_CONTAINER_OF(node, struct share_group, by_key) : NULL;
}

static bool has_peers(const struct broker *broker)
{
    return broker->options.shard_count > 1;
}

/* ---- groups ---- */

static struct mqtt_span group_filter(const struct share_group *group)
{
    size_t name_len = strlen((const char *)group->key);

    return (struct mqtt_span){ group->key + name_len + 1, group->by_key.key.len - name_len - 1 };
}

static struct share_group *group_new(struct broker *broker, const struct mqtt_share *share)
{
    size_t key_len = share->group.len + 1 + share->filter.len;
    struct share_group *group = calloc(1, sizeof(*group) + key_len);

    if (group == NULL)
        return NULL;
    group->subscriber.is_group = true;
    memcpy(group->key, share->group.data, share->group.len);
    memcpy(group->key + share->group.len + 1, share->filter.data, share->filter.len);
    group->by_key.key = (struct mqtt_span){ group->key, key_len };
    list_init(&group->members);
    if (topic_index_attach(broker->index, share->filter, &group->subscriber.link) < 0)
        goto fail;
    if (bytes_map_insert(&broker->groups, &group->by_key) < 0)
        goto fail_detach;
    return group;

fail_detach:
    topic_index_detach(broker->index, &group->subscriber.link);
fail:
    free(group);
    return NULL;
}

static void group_leave(struct broker *broker, struct subscription *subscription)
{
    struct share_group *group = subscription->group;

    list_unlink(&subscription->in_group);
    broker->stats.shared_subscriptions--;
    if (--group->count > 0)
        return;
    topic_index_detach(broker->index, &group->subscriber.link);
    bytes_map_remove(&broker->groups, &group->by_key);
    free(group);
}

static int group_join(struct broker *broker, struct subscription *subscription,
                      const struct mqtt_share *share)
{
    MQTT_UNINITIALIZED uint8_t key[65536];
    struct share_group *group;

    memcpy(key, share->group.data, share->group.len);
    key[share->group.len] = 0;
    memcpy(key + share->group.len + 1, share->filter.data, share->filter.len);
    group = share_group_find(broker,
                             (struct mqtt_span){ key, share->group.len + 1 + share->filter.len });
    if (group == NULL)
        group = group_new(broker, share);
    if (group == NULL)
        return -1;
    subscription->group = group;
    list_push_back(&group->members, &subscription->in_group);
    group->count++;
    broker->stats.shared_subscriptions++;
    return 0;
}

/* ---- subscriptions ---- */

/* Attaches to the index, directly or through a group, and tells the other shards. */
static int enter(struct broker *broker, struct subscription *subscription)
{
    struct mqtt_share share = { .filter = subscription_filter(subscription) };
    bool is_shared = mqtt_share_parse(share.filter, &share) > 0;
    int error =
        is_shared ? group_join(broker, subscription, &share)
                  : topic_index_attach(broker->index, share.filter, &subscription->subscriber.link);

    if (error < 0)
        return error;
    if (!has_peers(broker))
        return 0;
    error =
        shared_subscribe(broker->options.shared, broker->options.shard, share.filter, share.group);
    if (error < 0 && is_shared)
        group_leave(broker, subscription);
    else if (error < 0)
        topic_index_detach(broker->index, &subscription->subscriber.link);
    return error;
}

static void leave(struct broker *broker, struct subscription *subscription)
{
    struct mqtt_share share = { .filter = subscription_filter(subscription) };

    mqtt_share_parse(share.filter, &share);
    if (has_peers(broker) && !subscription->is_resting)
        shared_unsubscribe(broker->options.shared, broker->options.shard, share.filter,
                           share.group);
    if (subscription->group != NULL)
        group_leave(broker, subscription);
    else
        topic_index_detach(broker->index, &subscription->subscriber.link);
}

static void set_present(struct subscription *subscription, bool is_present)
{
    struct broker *broker = subscription->session->broker;
    struct mqtt_share share = { .filter = subscription_filter(subscription) };

    if (subscription->group == NULL || !has_peers(broker) || subscription->is_resting
        || subscription->is_present == is_present)
        return;
    mqtt_share_parse(share.filter, &share);
    subscription->is_present = is_present;
    shared_present(broker->options.shared, broker->options.shard, share.filter, share.group,
                   is_present ? 1 : -1);
}

void subscription_presence(struct session *session, bool is_present)
{
    list_for_each (link, &session->subscriptions)
        set_present(MQTT_CONTAINER_OF(link, struct subscription, in_session), is_present);
}

static void tell_kept(const struct subscription *s, bool is_kept)
{
    struct broker *broker = s->session->broker;
    struct mqtt_share share = { .filter = subscription_filter(s) };

    mqtt_share_parse(share.filter, &share);
    shared_keep(broker->options.shared, broker->options.shard, share.filter, share.group,
                is_kept ? 1 : -1);
}

void subscription_is_kept(struct subscription *s, bool is_kept)
{
    if (has_peers(s->session->broker) && !s->is_resting)
        tell_kept(s, is_kept);
}

void subscription_rest(struct subscription *subscription)
{
    struct broker *broker = subscription->session->broker;
    struct mqtt_share share = { .filter = subscription_filter(subscription) };

    if (!has_peers(broker) || subscription->is_resting)
        return;
    set_present(subscription, false);
    if (subscription->number != 0)
        tell_kept(subscription, false);
    mqtt_share_parse(share.filter, &share);
    shared_unsubscribe(broker->options.shared, broker->options.shard, share.filter, share.group);
    subscription->is_resting = true;
}

int subscription_wake(struct subscription *subscription)
{
    struct session *session = subscription->session;
    struct broker *broker = session->broker;
    struct mqtt_share share = { .filter = subscription_filter(subscription) };

    if (!subscription->is_resting)
        return 0;
    mqtt_share_parse(share.filter, &share);
    int error =
        shared_subscribe(broker->options.shared, broker->options.shard, share.filter, share.group);
    if (error < 0)
        return error;
    subscription->is_resting = false;
    if (subscription->number != 0)
        tell_kept(subscription, true);
    set_present(subscription, session->client != NULL);
    return 0;
}

static struct identifiers *one_identifier(uint32_t identifier)
{
    struct identifiers *one = malloc(sizeof(*one) + sizeof(one->values[0]));

    if (one != NULL) {
        one->references = 1;
        one->count = 1;
        one->values[0] = identifier;
    }
    return one;
}

static struct subscription *subscription_new(struct session *session, struct mqtt_span filter)
{
    struct broker *broker = session->broker;
    struct subscription *s = calloc(1, sizeof(*s) + KEY_PREFIX + filter.len);

    if (s == NULL)
        return NULL;
    s->session = session;
    s->by_key.key = make_key(s->key, session, filter);
    if (enter(broker, s) < 0)
        goto fail_free;
    if (bytes_map_insert(&broker->subscriptions, &s->by_key) < 0)
        goto fail_leave;
    list_push_back(&session->subscriptions, &s->in_session);
    session->subscription_count++;
    broker->stats.subscriptions++;
    set_present(s, session->client != NULL);
    return s;

fail_leave:
    leave(broker, s);
fail_free:
    free(s);
    return NULL;
}

struct subscription *subscription_set(struct session *session,
                                      const struct mqtt_subscription *wanted, uint32_t identifier,
                                      bool *out_is_new)
{
    struct subscription *s = subscription_find(session, wanted->filter);
    struct identifiers *identifiers = NULL;
    bool is_new = s == NULL;

    if (identifier != 0) {
        identifiers = one_identifier(identifier);
        if (identifiers == NULL)
            return NULL;
    }
    if (is_new)
        s = subscription_new(session, wanted->filter);
    if (s == NULL) {
        identifiers_unref(identifiers);
        return NULL;
    }
    identifiers_unref(s->identifiers); /* [MQTT-3.8.4-3] replaced, not added to */
    s->identifiers = identifiers;
    s->qos = wanted->qos;
    s->no_local = wanted->no_local;
    s->retain_as_published = wanted->retain_as_published;
    s->retain_handling = wanted->retain_handling;
    session->broker->generation++;
    *out_is_new = is_new;
    return s;
}

void subscription_remove(struct subscription *subscription)
{
    struct session *session = subscription->session;
    struct broker *broker = session->broker;

    policy_walk_skip_subscription(&broker->walk, &subscription->in_session);
    journal_forget_subscription(subscription);
    broker->generation++;
    set_present(subscription, false);
    leave(broker, subscription);
    bytes_map_remove(&broker->subscriptions, &subscription->by_key);
    list_unlink(&subscription->in_session);
    session->subscription_count--;
    broker->stats.subscriptions--;
    identifiers_unref(subscription->identifiers);
    topic_quota_free(subscription->quota);
    free(subscription);
}

/* ---- serving a group ---- */

/* Groups are served message by message: the last answer is remembered. */
static bool may_receive_again(struct subscription *member, struct mqtt_span topic)
{
    const struct broker *broker = member->session->broker;
    uint64_t hash = siphash(&broker->options.hash_key, topic);

    if (MQTT_LIKELY(member->judged_generation == broker->policy_generation
                    && member->judged_hash == hash))
        return true;
    if (!subscription_may_receive(member, topic))
        return false;
    member->judged_generation = broker->policy_generation;
    member->judged_hash = hash;
    return true;
}

static enum delivery_result deliver_to(struct share_group *group, struct subscription *member,
                                       struct publication *publication, uint64_t now_ms)
{
    const struct terms terms = {
        .identifiers = member->identifiers,
        .qos = publication->qos < member->qos ? publication->qos : member->qos,
        .retain = publication->retain && member->retain_as_published,
        .shared = true,
    };

    list_unlink(&member->in_group); /* its turn is over */
    list_push_back(&group->members, &member->in_group);
    return session_deliver(member->session, publication, &terms, now_ms);
}

/* One that is held hears as little as one that is away. */
static bool is_there(const struct session *session)
{
    return session->client != NULL && session->client->state == CLIENT_ACTIVE;
}

enum delivery_result share_group_deliver(struct share_group *group, struct publication *publication,
                                         uint64_t now_ms)
{
    struct subscription *fallback = NULL;

    list_for_each (link, &group->members) {
        struct subscription *member = MQTT_CONTAINER_OF(link, struct subscription, in_group);

        if (!may_receive_again(member, publication->topic))
            continue;
        if (session_has_room(member->session))
            return deliver_to(group, member, publication, now_ms);
        /* One that is connected but busy is better than one that is away. */
        if (fallback == NULL || (!is_there(fallback->session) && is_there(member->session)))
            fallback = member;
    }
    return fallback != NULL ? deliver_to(group, fallback, publication, now_ms) : DELIVERY_NOBODY;
}

void share_hand_on(struct session *session, struct message *message, uint64_t now_ms)
{
    list_for_each (link, &session->subscriptions) {
        struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);
        struct publication publication = message_publication(message);

        if (s->group == NULL)
            continue;
        if (!mqtt_topic_matches(group_filter(s->group), publication.topic))
            continue;
        list_unlink(&s->in_group);
        /* Members here that may not have it, or are frozen, are as good as none. */
        if (share_group_deliver(s->group, &publication, now_ms) == DELIVERY_NOBODY
            && has_peers(session->broker))
            peers_hand_on(session->broker, s->group->by_key.key, &publication);
        list_push_back(&s->group->members, &s->in_group);
        journal_settle_message(message);
        return;
    }
}

static void redistribute_list(struct session *session, struct list *deliveries, uint64_t now_ms)
{
    list_for_each (link, deliveries) {
        struct delivery *delivery = MQTT_CONTAINER_OF(link, struct delivery, link);

        if (!delivery->shared || delivery->message == NULL
            || (delivery->qos == MQTT_QOS_2 && delivery->sent))
            continue;
        share_hand_on(session, delivery->message, now_ms);
    }
}

void share_redistribute(struct session *session, uint64_t now_ms)
{
    redistribute_list(session, &session->outgoing.inflight, now_ms);
    redistribute_list(session, &session->outgoing.queue, now_ms);
}
