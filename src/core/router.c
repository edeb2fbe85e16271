/* SPDX-License-Identifier: Apache-2.0 */
/* From a route to its receivers: contract in route.h. */
#include "base/fetch.h"
#include "codec/topic.h"
#include "core/client.h"
#include "core/peers.h"
#include "core/route.h"
#include "core/spread.h"
#include "core/state.h"

/* The publisher's own subscriptions, without those that say No Local: their QoS and
 * identifiers. False: nothing remains. [MQTT-3.8.3-3] */
static bool without_no_local(struct session *session, const struct publication *publication,
                             struct terms *terms)
{
    bool any = false;

    terms->identifiers = NULL;
    terms->retain = false;
    terms->qos = MQTT_QOS_0;
    list_for_each (link, &session->subscriptions) {
        const struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);

        if (s->no_local || s->group != NULL
            || !mqtt_topic_matches(subscription_filter(s), publication->topic))
            continue;
        any = true;
        if (s->qos > terms->qos)
            terms->qos = s->qos;
        if (s->identifiers != NULL)
            terms->identifiers = s->identifiers;
        terms->retain |= publication->retain && s->retain_as_published;
    }
    if (publication->qos < terms->qos)
        terms->qos = publication->qos;
    return any;
}

static bool group_is_kept(const struct share_group *group)
{
    list_for_each (link, &group->members) {
        const struct subscription *member = MQTT_CONTAINER_OF(link, struct subscription, in_group);
        if (member->number != 0 && member->qos != MQTT_QOS_0)
            return true;
    }
    return false;
}

bool route_is_kept(const struct route *route)
{
    for (uint32_t i = 0; i < route->target_count; i++)
        if (route->targets[i].session->number != 0 && route->targets[i].qos != MQTT_QOS_0)
            return true;
    for (uint32_t i = 0; i < route->group_count; i++)
        if (group_is_kept(route->groups[i]))
            return true;
    for (size_t i = 0; i < route->interest.group_count; i++)
        if (route->interest.groups[i].keeping != 0)
            return true;
    return route->interest.keeping != 0;
}

static void deliver_to_target(const struct route_target *target, struct publication *publication,
                              uint64_t now_ms, struct routed *routed)
{
    struct terms terms;
    enum delivery_result result;

    route_terms(target, publication, &terms);
    if (MQTT_UNLIKELY(target->no_local && target->session == publication->origin)
        && !without_no_local(target->session, publication, &terms))
        return;
    result = session_deliver(target->session, publication, &terms, now_ms);
    routed_add(routed, result);
    if (MQTT_UNLIKELY(result != DELIVERY_DONE))
        session_report_drop(target->session, publication->topic);
}

/* What the next receivers need comes into the cache while the ones before are served: of a thousand it
 * is not there any more since the message before. First the session, then what it points to. */
#define SESSION_AHEAD 8u
#define CLIENT_AHEAD  4u
#define OUTBOX_AHEAD  2u

static inline void look_ahead(const struct route *route, uint32_t i)
{
    if (i + SESSION_AHEAD < route->target_count)
        __builtin_prefetch(&route->targets[i + SESSION_AHEAD].session->client);
    if (i + CLIENT_AHEAD < route->target_count)
        fetch_lines(route->targets[i + CLIENT_AHEAD].session->client);
    if (i + OUTBOX_AHEAD < route->target_count) {
        const struct client *client = route->targets[i + OUTBOX_AHEAD].session->client;
        const struct outbox_chunk *chunk = client != NULL ? client->outbox.last : NULL;
        if (chunk != NULL)
            fetch_lines(chunk->bytes + chunk->end);
    }
}

void route_deliver(struct route *route, struct publication *publication, uint64_t now_ms,
                   struct routed *routed)
{
    if (route->target_count > 0)
        spread_begin(route->targets[0].session->broker, publication, route->target_count);
    for (uint32_t i = 0; i < route->target_count; i++) {
        look_ahead(route, i);
        deliver_to_target(&route->targets[i], publication, now_ms, routed);
    }
}

void route_publish(struct broker *broker, struct route *route, struct publication *publication,
                   uint64_t now_ms, struct routed *out)
{
    route_deliver(route, publication, now_ms, out);
    if (broker->options.shard_count > 1) {
        peers_route(broker, route, publication, now_ms, out);
        return;
    }
    for (uint32_t i = 0; i < route->group_count; i++)
        routed_add(out, share_group_deliver(route->groups[i], publication, now_ms));
}

struct routed broker_publish(struct broker *broker, struct publication *publication,
                             uint64_t now_ms)
{
    struct route *route = route_find(broker, publication->topic);
    struct routed routed = { 0 };

    if (publication->retain) {
        int kept = shared_retain(broker->options.shared, publication, &broker->limits);

        routed.refused = kept < 0;
        if (kept > 0)
            journal_touch_shared(broker);
    }
    if (route == NULL)
        return routed;
    route_publish(broker, route, publication, now_ms, &routed);
    return routed;
}
