/* SPDX-License-Identifier: Apache-2.0 */
#include "core/route.h"

#include "codec/topic.h"
#include "core/client.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HINTS 8u

/* What a client published to last. Valid while both numbers equal the broker's. */
struct route_hint {
    struct route *route;
    uint32_t epoch;
    uint32_t policy_generation;
    struct policy_publish judgement;
};

struct route_hints {
    uint32_t tags[HINTS]; /* of the topics; all are looked through */
    uint32_t next;        /* to be replaced */
    struct route_hint entries[HINTS];
};

size_t route_hints_bytes(void)
{
    return sizeof(struct route_hints);
}

static struct route *from_node(struct bytes_node *node)
{
    return MQTT_CONTAINER_OF(node, struct route, by_topic);
}

/* ---- building ---- */

struct building {
    struct broker *broker;
    struct route *route;
    bool failed;
};

static bool grow(void **array, uint32_t *capacity, uint32_t count, size_t element_bytes)
{
    if (count < *capacity)
        return true;
    uint32_t wanted = *capacity > 0 ? *capacity * 2 : 4;
    void *bigger = realloc(*array, wanted * element_bytes);
    if (bigger == NULL)
        return false;
    *array = bigger;
    *capacity = wanted;
    return true;
}

/* A session that matches by two subscriptions gets one copy with both identifiers. */
static struct identifiers *joined(struct identifiers *a, const struct identifiers *b)
{
    struct identifiers *both;

    if (a == NULL || b == NULL)
        return a;
    both = malloc(sizeof(*both) + (a->count + b->count) * sizeof(both->values[0]));
    if (both == NULL)
        return a;
    both->references = 1;
    both->count = a->count + b->count;
    memcpy(both->values, a->values, a->count * sizeof(a->values[0]));
    memcpy(both->values + a->count, b->values, b->count * sizeof(b->values[0]));
    identifiers_unref(a);
    return both;
}

/* [MQTT-3.3.4-2] [MQTT-3.3.4-3] overlapping subscriptions: highest QoS, all identifiers. */
static void merge(struct route_target *target, const struct subscription *s)
{
    target->identifiers = target->identifiers != NULL ? joined(target->identifiers, s->identifiers)
                                                      : identifiers_ref(s->identifiers);
    if (s->qos > target->qos)
        target->qos = s->qos;
    target->retain_as_published |= s->retain_as_published;
    target->no_local |= s->no_local;
}

static void add_subscription(struct building *b, struct subscription *s, struct mqtt_span topic)
{
    struct session *session = s->session;
    struct route *route = b->route;

    if (session->route_stamp == b->broker->route_stamp) {
        merge(&route->targets[session->route_index], s);
        return;
    }
    if (!subscription_may_receive(s, topic))
        return;
    void *targets = route->targets;
    if (!grow(&targets, &route->target_capacity, route->target_count, sizeof(*route->targets))) {
        b->failed = true;
        return;
    }
    route->targets = targets;
    session->route_stamp = b->broker->route_stamp;
    session->route_index = route->target_count;
    route->targets[route->target_count++] = (struct route_target){
        .session = session,
        .identifiers = identifiers_ref(s->identifiers),
        .qos = s->qos,
        .retain_as_published = s->retain_as_published,
        .no_local = s->no_local,
    };
}

static void add_group(struct building *b, struct share_group *group)
{
    struct route *route = b->route;
    void *groups = route->groups;

    if (!grow(&groups, &route->group_capacity, route->group_count, sizeof(struct share_group *))) {
        b->failed = true;
        return;
    }
    route->groups = groups;
    route->groups[route->group_count++] = group;
}

static void on_match(void *context, struct topic_filter *filter)
{
    struct building *b = context;

    list_for_each (link, topic_filter_links(filter)) {
        struct topic_link *in_filter = MQTT_CONTAINER_OF(link, struct topic_link, in_filter);
        struct subscriber *subscriber = MQTT_CONTAINER_OF(in_filter, struct subscriber, link);

        if (subscriber->is_group)
            add_group(b, MQTT_CONTAINER_OF(subscriber, struct share_group, subscriber));
        else
            add_subscription(b, MQTT_CONTAINER_OF(subscriber, struct subscription, subscriber),
                             b->route->by_topic.key);
    }
}

static void forget_targets(struct route *route)
{
    for (uint32_t i = 0; i < route->target_count; i++)
        identifiers_unref(route->targets[i].identifiers);
    route->target_count = 0;
    route->group_count = 0;
}

static int build(struct broker *broker, struct route *route)
{
    struct building b = { broker, route, false };

    forget_targets(route);
    /* A stamp of an earlier round would merge into the wrong place. */
    broker->route_stamp++;
    if (broker->options.shard_count > 1) {
        uint64_t generation = shared_generation(broker->options.shared);
        if (shared_interest(broker->options.shared, route->by_topic.key, &route->interest) < 0)
            return -ENOMEM;
        route->shared_generation = generation;
    }
    topic_index_match(broker->index, route->by_topic.key, on_match, &b);
    if (b.failed)
        return -ENOMEM;
    route->is_watched = watch_has_topic(broker, route->by_topic.key);
    route->generation = broker->generation;
    return 0;
}

/* ---- the cache ---- */

static void route_free(struct broker *broker, struct route *route)
{
    forget_targets(route);
    interest_fini(&route->interest);
    list_unlink(&route->by_use);
    bytes_map_remove(&broker->routes, &route->by_topic);
    free(route->targets);
    free(route->groups);
    free(route);
    broker->route_count--;
    broker->route_epoch++; /* no hint may lead here any more */
}

void routes_fini(struct broker *broker)
{
    while (!list_is_empty(&broker->routes_by_use))
        route_free(broker, MQTT_CONTAINER_OF(broker->routes_by_use.next, struct route, by_use));
}

static struct route *route_new(struct broker *broker, struct mqtt_span topic)
{
    struct route *route;

    while (broker->route_count >= broker->limits.route_cache_entries)
        route_free(broker, MQTT_CONTAINER_OF(broker->routes_by_use.prev, struct route, by_use));
    route = calloc(1, sizeof(*route) + topic.len);
    if (route == NULL)
        return NULL;
    memcpy(route->topic, topic.data, topic.len);
    route->by_topic.key = (struct mqtt_span){ route->topic, topic.len };
    if (bytes_map_insert(&broker->routes, &route->by_topic) < 0) {
        free(route);
        return NULL;
    }
    list_push_front(&broker->routes_by_use, &route->by_use);
    broker->route_count++;
    return route;
}

static bool is_current(const struct broker *broker, const struct route *route)
{
    return route->generation == broker->generation
           && (broker->options.shard_count == 1
               || route->shared_generation == shared_generation(broker->options.shared));
}

static struct route *brought_up_to_date(struct broker *broker, struct route *route)
{
    if (MQTT_LIKELY(is_current(broker, route)))
        return route;
    list_unlink(&route->by_use);
    list_push_front(&broker->routes_by_use, &route->by_use);
    if (build(broker, route) == 0)
        return route;
    route_free(broker, route);
    return NULL;
}

struct route *route_find(struct broker *broker, struct mqtt_span topic)
{
    struct bytes_node *node = bytes_map_find(&broker->routes, topic);
    struct route *route = node != NULL ? from_node(node) : NULL;

    if (route != NULL)
        return brought_up_to_date(broker, route);
    route = route_new(broker, topic);
    if (route == NULL)
        return NULL;
    if (build(broker, route) < 0) {
        route_free(broker, route);
        return NULL;
    }
    return route;
}

/* ---- permission ---- */

/* Not keyed: who chooses topics that collide slows itself down, and nobody else. */
static uint32_t topic_tag(struct mqtt_span topic)
{
    uint64_t hash = topic.len;
    uint64_t word;

    for (; topic.len >= sizeof(word); topic.data += sizeof(word), topic.len -= sizeof(word)) {
        memcpy(&word, topic.data, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
        hash ^= hash >> 32;
    }
    word = 0;
    memcpy(&word, topic.data, topic.len);
    hash = (hash ^ word) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(hash >> 32);
}

static struct route_hints *hints_of(struct client *client)
{
    if (MQTT_UNLIKELY(client->hints == NULL)) {
        client->hints = pool_take(client->broker->hints);
        if (client->hints != NULL)
            *client->hints = (struct route_hints){ 0 };
    }
    return client->hints;
}

/* The hint for that topic, if it holds. */
static const struct route_hint *find_hint(const struct broker *broker,
                                          const struct route_hints *hints, uint32_t tag,
                                          struct mqtt_span topic)
{
    for (unsigned i = 0; i < HINTS; i++) {
        const struct route_hint *hint = &hints->entries[i];

        if (hints->tags[i] == tag && hint->route != NULL && hint->epoch == broker->route_epoch
            && hint->policy_generation == broker->policy_generation
            && span_equal(hint->route->by_topic.key, topic))
            return hint;
    }
    return NULL;
}

static void keep_hint(struct route_hints *hints, uint32_t tag, const struct route_hint *hint)
{
    unsigned i = hints->next++ % HINTS;

    hints->tags[i] = tag;
    hints->entries[i] = *hint;
}

static struct publish_permission permit_slowly(struct client *client, struct mqtt_span topic,
                                               struct route_hints *hints, uint32_t tag)
{
    struct broker *broker = client->broker;
    struct publish_permission permission = {
        .judgement = session_judge_publish(client->session, topic),
        .route = route_find(broker, topic),
    };

    if (hints != NULL && permission.route != NULL)
        keep_hint(hints, tag,
                  &(struct route_hint){ .route = permission.route,
                                        .epoch = broker->route_epoch,
                                        .policy_generation = broker->policy_generation,
                                        .judgement = permission.judgement });
    return permission;
}

struct publish_permission route_permit(struct client *client, struct mqtt_span topic)
{
    struct broker *broker = client->broker;
    struct route_hints *hints = hints_of(client);
    uint32_t tag = topic_tag(topic);
    const struct route_hint *hint =
        MQTT_LIKELY(hints != NULL) ? find_hint(broker, hints, tag, topic) : NULL;

    if (MQTT_LIKELY(hint != NULL))
        return (struct publish_permission){ brought_up_to_date(broker, hint->route),
                                            hint->judgement };
    return permit_slowly(client, topic, hints, tag);
}
