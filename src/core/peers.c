/* SPDX-License-Identifier: Apache-2.0 */
#include "core/peers.h"

#include "codec/reader.h"
#include "core/client.h"
#include "core/clone.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

/* A batch is a series of parcels. It never leaves the process, but it is read with
 * the bounded reader all the same.
 *
 * parcel: kind u8, qos u8, retain u8, hops u8, expires u64,
 *         topic, forward, payload, group key: each u32 length and bytes
 * order:  kind u8, CLONE_ORDER_BYTES */
enum parcel_kind {
    PARCEL_NONE = 0,
    PARCEL_PLAIN, /* for the ordinary subscribers of the shard */
    PARCEL_GROUP, /* for one member of the group */
    PARCEL_ORDER, /* of clone.c: no publication */
};

#define PARCEL_HEAD_BYTES 28u
#define MOST_HOPS         4u /* besides once round; a group that moves faster loses messages */

struct parcel {
    enum parcel_kind kind;
    uint8_t hops;
    struct mqtt_span group;
};

static uint8_t *put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
    return at + sizeof(value);
}

static uint8_t *put_span(uint8_t *at, struct mqtt_span span)
{
    at = put_u32(at, (uint32_t)span.len);
    if (span.len > 0)
        memcpy(at, span.data, span.len);
    return at + span.len;
}

static uint8_t *batch_reserve(struct peer_batch *batch, size_t len)
{
    if (batch->len + len > batch->capacity) {
        size_t capacity = batch->capacity > 0 ? batch->capacity * 2 : 16384;
        while (capacity < batch->len + len)
            capacity *= 2;
        uint8_t *bigger = realloc(batch->bytes, capacity);
        if (bigger == NULL)
            return NULL;
        batch->bytes = bigger;
        batch->capacity = capacity;
    }
    return batch->bytes + batch->len;
}

static enum delivery_result send_parcel(struct broker *broker, unsigned shard,
                                        const struct parcel *parcel, const struct publication *p)
{
    struct peer_batch *batch = &broker->batches[shard];
    size_t len =
        PARCEL_HEAD_BYTES + p->topic.len + p->forward.len + p->payload.len + parcel->group.len;
    uint8_t *at = batch_reserve(batch, len);

    if (at == NULL)
        return DELIVERY_REFUSED;
    at[0] = (uint8_t)parcel->kind;
    at[1] = (uint8_t)p->qos;
    at[2] = p->retain;
    at[3] = parcel->hops;
    memcpy(at + 4, &p->expires_ms, sizeof(p->expires_ms));
    put_span(put_span(put_span(put_span(at + 12, p->topic), p->forward), p->payload),
             parcel->group);
    batch->len += len;
    return DELIVERY_DONE;
}

void peers_send_order(struct broker *broker, unsigned shard, struct mqtt_span order)
{
    struct peer_batch *batch = &broker->batches[shard];
    uint8_t *at = batch_reserve(batch, 1 + order.len);

    if (at == NULL)
        return;
    at[0] = PARCEL_ORDER;
    memcpy(at + 1, order.data, order.len);
    batch->len += 1 + order.len;
}

/* The shard whose member is next, weighted by members. */
static unsigned shard_in_turn(const struct interest_group *group, uint32_t turn)
{
    uint32_t place = turn % group->total;
    unsigned shard = 0;

    while (place >= group->members[shard])
        place -= group->members[shard++];
    return shard;
}

static bool has_gone_far(const struct broker *broker, unsigned hops)
{
    return hops >= MOST_HOPS + broker->options.shard_count;
}

/* Whoever is here may not have it, but somebody elsewhere may. Once on its way it goes round, so
 * that it comes to every shard; the first step is another each time. */
static enum delivery_result to_others(struct broker *broker, const struct interest_group *group,
                                      uint32_t turn, uint8_t hops,
                                      const struct publication *publication)
{
    const struct parcel parcel = { PARCEL_GROUP, hops, { group->key, group->key_len } };
    unsigned others = broker->options.shard_count - 1;

    if (has_gone_far(broker, hops))
        return DELIVERY_DROPPED;
    for (unsigned i = 0; i < others; i++) {
        unsigned step = 1 + (hops == 0 ? (turn + i) % others : i);
        unsigned shard = (broker->options.shard + step) % broker->options.shard_count;

        if (group->members[shard] > 0)
            return send_parcel(broker, shard, &parcel, publication);
    }
    return DELIVERY_DROPPED;
}

static enum delivery_result to_group(struct broker *broker, const struct interest_group *group,
                                     uint32_t turn, uint8_t hops, struct publication *publication,
                                     uint64_t now_ms)
{
    struct mqtt_span key = { group->key, group->key_len };
    unsigned shard = shard_in_turn(group, turn);
    struct share_group *here =
        shard == broker->options.shard ? share_group_find(broker, key) : NULL;
    const struct parcel parcel = { PARCEL_GROUP, hops, key };

    if (here != NULL) {
        enum delivery_result result = share_group_deliver(here, publication, now_ms);
        return result != DELIVERY_NOBODY
                   ? result
                   : to_others(broker, group, turn, (uint8_t)(hops + 1), publication);
    }
    if (shard == broker->options.shard || has_gone_far(broker, hops))
        return DELIVERY_DROPPED;
    return send_parcel(broker, shard, &parcel, publication);
}

static void count(struct routed *routed, enum delivery_result result)
{
    routed->matched++;
    routed->accepted += result == DELIVERY_DONE;
    routed->refused |= result == DELIVERY_REFUSED;
}

void peers_route(struct broker *broker, struct route *route, struct publication *publication,
                 uint64_t now_ms, struct routed *routed)
{
    const struct interest *interest = &route->interest;
    const struct parcel parcel = { .kind = PARCEL_PLAIN };
    uint64_t others = interest->shards & ~(UINT64_C(1) << broker->options.shard);

    for (; others != 0; others &= others - 1)
        count(routed, send_parcel(broker, (unsigned)__builtin_ctzll(others), &parcel, publication));
    for (size_t i = 0; i < interest->group_count; i++)
        count(routed, to_group(broker, &interest->groups[i], route->turn, 0, publication, now_ms));
    route->turn++;
}

static const struct interest_group *find_group(const struct route *route, struct mqtt_span key)
{
    for (size_t i = 0; route != NULL && i < route->interest.group_count; i++) {
        const struct interest_group *group = &route->interest.groups[i];
        if (span_equal((struct mqtt_span){ group->key, group->key_len }, key))
            return group;
    }
    return NULL;
}

enum delivery_result peers_hand_on(struct broker *broker, struct mqtt_span key,
                                   const struct publication *publication, uint8_t hops)
{
    struct route *route = route_find(broker, publication->topic);
    const struct interest_group *group = find_group(route, key);

    return group != NULL ? to_others(broker, group, route->turn++, hops, publication)
                         : DELIVERY_DROPPED;
}

void broker_flush_peers(struct broker *broker)
{
    const struct peers_port *port = &broker->options.ports.peers;

    if (broker->batches == NULL)
        return;
    for (unsigned shard = 0; shard < broker->options.shard_count; shard++) {
        struct peer_batch batch = broker->batches[shard];
        if (batch.len == 0)
            continue;
        broker->batches[shard] = (struct peer_batch){ 0 };
        port->post(port->context, shard, batch.bytes, batch.len);
    }
}

/* ---- receiving ---- */

static struct mqtt_span take_span(struct mqtt_reader *r)
{
    struct mqtt_span size = mqtt_read_bytes(r, sizeof(uint32_t));
    uint32_t len = 0;

    if (size.len == sizeof(len))
        memcpy(&len, size.data, sizeof(len));
    return mqtt_read_bytes(r, len);
}

static void take_parcel(struct mqtt_reader *r, struct parcel *parcel, struct publication *p)
{
    p->qos = (enum mqtt_qos)mqtt_read_u8(r);
    p->retain = mqtt_read_u8(r) != 0;
    parcel->hops = mqtt_read_u8(r);
    struct mqtt_span expires = mqtt_read_bytes(r, sizeof(p->expires_ms));
    if (expires.len == sizeof(p->expires_ms))
        memcpy(&p->expires_ms, expires.data, sizeof(p->expires_ms));
    p->topic = take_span(r);
    p->forward = take_span(r);
    p->payload = take_span(r);
    parcel->group = take_span(r);
}

/* The group may have left this shard since: it is looked for again. */
static void serve_group(struct broker *broker, const struct parcel *parcel,
                        struct publication *publication, uint64_t now_ms)
{
    struct share_group *here = share_group_find(broker, parcel->group);
    const struct interest_group *group;
    struct route *route;

    if (here != NULL) {
        if (share_group_deliver(here, publication, now_ms) == DELIVERY_NOBODY)
            peers_hand_on(broker, parcel->group, publication, (uint8_t)(parcel->hops + 1));
        return;
    }
    route = route_find(broker, publication->topic);
    group = find_group(route, parcel->group);
    if (group != NULL)
        to_group(broker, group, route->turn++, (uint8_t)(parcel->hops + 1), publication, now_ms);
}

static void serve_plain(struct broker *broker, struct publication *publication, uint64_t now_ms)
{
    struct route *route = route_find(broker, publication->topic);

    for (uint32_t i = 0; route != NULL && i < route->target_count; i++) {
        const struct route_target *target = &route->targets[i];
        const struct terms terms = {
            .identifiers = target->identifiers,
            .qos = publication->qos < target->qos ? publication->qos : target->qos,
            .retain = publication->retain && target->retain_as_published,
        };
        session_deliver(target->session, publication, &terms, now_ms);
    }
}

void broker_receive_batch(struct broker *broker, struct mqtt_span batch, uint64_t now_ms)
{
    struct mqtt_reader r = mqtt_reader_over(batch);

    while (mqtt_reader_left(&r) > 0) {
        struct parcel parcel = { 0 };
        struct publication publication = { 0 };

        parcel.kind = (enum parcel_kind)mqtt_read_u8(&r);
        if (parcel.kind == PARCEL_ORDER) {
            clone_obey(broker, mqtt_read_bytes(&r, CLONE_ORDER_BYTES), now_ms);
            continue;
        }
        take_parcel(&r, &parcel, &publication);
        if (r.status != MQTT_OK)
            break;
        if (parcel.kind == PARCEL_GROUP)
            serve_group(broker, &parcel, &publication, now_ms);
        else if (parcel.kind == PARCEL_PLAIN)
            serve_plain(broker, &publication, now_ms);
        publication_fini(&publication, &broker->messages);
    }
    broker_reap(broker, now_ms);
}
