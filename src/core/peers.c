/* SPDX-License-Identifier: Apache-2.0 */
#include "core/peers.h"

#include "codec/reader.h"
#include "core/client.h"
#include "core/clone.h"
#include "core/journal_record.h"
#include "core/pressure.h"
#include "core/publish.h"
#include "core/session.h"
#include "core/state.h"

#include <stdlib.h>
#include <string.h>

/* A batch is a series of parcels. It never leaves the process, but it is read with
 * the bounded reader all the same.
 *
 * parcel: kind u8, qos u8, retain u8, hops u8, numbers (struct numbers),
 *         topic, forward, payload, group key: each u32 length and bytes
 * order:  kind u8, CLONE_ORDER_BYTES
 * reply:  kind u8, accepted u8, refused u8, ticket u64, parcel to forget u64 (0: none)
 *
 * What has to come to somebody who is kept on disk is kept as a parcel, too, in the frame of the
 * shard that sends it; the shard that takes it forgets the parcel in the frame in which the
 * deliveries are. So after a crash it is in one place or the other, and never in both. One that is
 * refused is forgotten by the shard whose client sent it, together with the packet identifier:
 * without its message that must not stand for one that was taken over. */
enum parcel_kind {
    PARCEL_NONE = 0,
    PARCEL_PLAIN, /* for the ordinary subscribers of the shard */
    PARCEL_GROUP, /* for one member of the group */
    PARCEL_ORDER, /* of clone.c: no publication */
    PARCEL_REPLY, /* what became of a parcel with a ticket */
};

struct numbers {
    uint64_t expires_ms;
    uint64_t parcel;  /* in the journal; 0: it is not kept */
    uint64_t message; /* likewise; known only as long as the parcel is kept */
    uint64_t ticket;  /* the sender waits for a reply; 0: nobody does */
    uint64_t origin;  /* shard that waits */
};

#define PARCEL_HEAD_BYTES (4u + sizeof(struct numbers) + 4u * sizeof(uint32_t))
#define REPLY_BYTES       (3u + 2u * sizeof(uint64_t))
#define MOST_HOPS         4u /* besides once round; a group that moves faster loses messages */

struct parcel {
    enum parcel_kind kind;
    uint8_t hops;
    bool is_kept;
    uint64_t ticket;
    uint64_t origin;
    struct mqtt_span group;
    uint64_t number; /* of one that came, in the journal */
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

/* Kept for those on `shard` who are: 0 out of memory. */
static bool keep_parcel(struct broker *broker, unsigned shard, const struct parcel *parcel,
                        struct publication *p, struct numbers *out)
{
    struct message *message = publication_message(p, &broker->messages);
    const struct journal_parcel record = {
        .shard = shard,
        .shard_count = broker->options.shard_count,
        .hops = parcel->hops,
        .qos = (uint8_t)p->qos,
        .retain = p->retain,
        .group = parcel->group,
    };

    if (message == NULL)
        return false;
    uint64_t key = journal_message(broker, message);
    out->message = journal_number_of(key);
    out->parcel = journal_parcel(broker, &record, key);
    return true;
}

static enum delivery_result send_parcel(struct broker *broker, unsigned shard,
                                        const struct parcel *parcel, struct publication *p)
{
    struct peer_batch *batch = &broker->batches[shard];
    struct numbers numbers = { .expires_ms = p->expires_ms,
                               .ticket = parcel->ticket,
                               .origin = parcel->origin };
    size_t len =
        PARCEL_HEAD_BYTES + p->topic.len + p->forward.len + p->payload.len + parcel->group.len;
    uint8_t *at = batch_reserve(batch, len);

    if (at == NULL || (parcel->is_kept && !keep_parcel(broker, shard, parcel, p, &numbers)))
        return DELIVERY_REFUSED;
    at[0] = (uint8_t)parcel->kind;
    at[1] = (uint8_t)p->qos;
    at[2] = p->retain;
    at[3] = parcel->hops;
    memcpy(at + 4, &numbers, sizeof(numbers));
    put_span(
        put_span(put_span(put_span(at + 4 + sizeof(numbers), p->topic), p->forward), p->payload),
        parcel->group);
    batch->len += len;
    return DELIVERY_DONE;
}

/* What became of a parcel, to the shard whose client waits for it. True: that one forgets it. */
static bool reply(struct broker *broker, const struct parcel *parcel, const struct routed *routed)
{
    bool is_left = routed->accepted == 0 && routed->refused;
    uint64_t number = is_left ? parcel->number : 0;

    if (parcel->ticket == 0 || parcel->origin >= broker->options.shard_count)
        return false;
    struct peer_batch *batch = &broker->batches[parcel->origin];
    uint8_t *at = batch_reserve(batch, REPLY_BYTES);

    if (at == NULL)
        return false;
    at[0] = PARCEL_REPLY;
    at[1] = routed->accepted > 0;
    at[2] = routed->refused;
    memcpy(at + 3, &parcel->ticket, sizeof(parcel->ticket));
    memcpy(at + 3 + sizeof(parcel->ticket), &number, sizeof(number));
    batch->len += REPLY_BYTES;
    return is_left;
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

/* Is it to be kept on its way to that shard? */
static bool keeps(const struct broker *broker, const struct publication *p, uint64_t keeping,
                  unsigned shard)
{
    return broker->journal.is_on && p->qos != MQTT_QOS_0 && (keeping >> shard & 1) != 0;
}

static bool has_gone_far(const struct broker *broker, unsigned hops)
{
    return hops >= MOST_HOPS + broker->options.shard_count;
}

/* DELIVERY_NOBODY: it is on its way, and what becomes of it is not known yet. */
static enum delivery_result send_to_group(struct broker *broker, const struct interest_group *group,
                                          unsigned shard, const struct parcel *before,
                                          struct publication *p)
{
    const struct parcel parcel = {
        .kind = PARCEL_GROUP,
        .hops = before->hops,
        .is_kept = keeps(broker, p, group->keeping, shard),
        .ticket = before->ticket,
        .origin = before->origin,
        .group = { group->key, group->key_len },
    };
    enum delivery_result result = send_parcel(broker, shard, &parcel, p);

    return result == DELIVERY_DONE ? DELIVERY_NOBODY : result;
}

/* Whoever is here may not have it, but somebody elsewhere may. Once on its way it goes round, so
 * that it comes to every shard; the first step is another each time. */
static enum delivery_result to_others(struct broker *broker, const struct interest_group *group,
                                      uint32_t turn, const struct parcel *before,
                                      struct publication *publication)
{
    uint8_t hops = before->hops;
    unsigned others = broker->options.shard_count - 1;

    if (has_gone_far(broker, hops))
        return DELIVERY_DROPPED;
    for (unsigned i = 0; i < others; i++) {
        unsigned step = 1 + (hops == 0 ? (turn + i) % others : i);
        unsigned shard = (broker->options.shard + step) % broker->options.shard_count;

        if (group->members[shard] > 0)
            return send_to_group(broker, group, shard, before, publication);
    }
    return DELIVERY_DROPPED;
}

/* DELIVERY_NOBODY: it is on its way to another shard. */
static enum delivery_result to_group(struct broker *broker, const struct interest_group *group,
                                     uint32_t turn, const struct parcel *before,
                                     struct publication *publication, uint64_t now_ms)
{
    struct mqtt_span key = { group->key, group->key_len };
    unsigned shard = shard_in_turn(group, turn);
    struct share_group *here =
        shard == broker->options.shard ? share_group_find(broker, key) : NULL;
    struct parcel further = *before;

    if (here != NULL) {
        enum delivery_result result = share_group_deliver(here, publication, now_ms);
        further.hops++;
        return result != DELIVERY_NOBODY ? result
                                         : to_others(broker, group, turn, &further, publication);
    }
    if (shard == broker->options.shard || has_gone_far(broker, before->hops))
        return DELIVERY_DROPPED;
    return send_to_group(broker, group, shard, before, publication);
}

/* A parcel that somebody waits for is accepted when the other shard says so. */
static void count_sent(struct routed *routed, enum delivery_result result, bool is_awaited)
{
    bool is_away = result == DELIVERY_NOBODY;

    routed->awaited += is_away && is_awaited;
    routed->matched++;
    routed->accepted += result == DELIVERY_DONE || (is_away && !is_awaited);
    routed->refused |= result == DELIVERY_REFUSED;
}

static void route_plain(struct broker *broker, const struct interest *interest, uint64_t ticket,
                        struct publication *publication, struct routed *routed)
{
    uint64_t others = interest->shards & ~(UINT64_C(1) << broker->options.shard);

    for (; others != 0; others &= others - 1) {
        unsigned shard = (unsigned)__builtin_ctzll(others);
        struct parcel parcel = { .kind = PARCEL_PLAIN, .origin = broker->options.shard };

        parcel.is_kept = keeps(broker, publication, interest->keeping, shard);
        parcel.ticket = parcel.is_kept ? ticket : 0;
        enum delivery_result result = send_parcel(broker, shard, &parcel, publication);
        count_sent(routed, result == DELIVERY_DONE ? DELIVERY_NOBODY : result, parcel.ticket != 0);
    }
}

void peers_route(struct broker *broker, struct route *route, struct publication *publication,
                 uint64_t now_ms, struct routed *routed)
{
    const struct interest *interest = &route->interest;

    route_plain(broker, interest, publication->ticket, publication, routed);
    for (size_t i = 0; i < interest->group_count; i++) {
        const struct interest_group *group = &interest->groups[i];
        const struct parcel begin = {
            .ticket = group->keeping != 0 && broker->journal.is_on ? publication->ticket : 0,
            .origin = broker->options.shard,
        };

        count_sent(routed, to_group(broker, group, route->turn, &begin, publication, now_ms),
                   begin.ticket != 0);
    }
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

static enum delivery_result hand_on(struct broker *broker, const struct parcel *parcel,
                                    struct publication *publication)
{
    struct route *route = route_find(broker, publication->topic);
    const struct interest_group *group = find_group(route, parcel->group);

    return group != NULL ? to_others(broker, group, route->turn++, parcel, publication)
                         : DELIVERY_DROPPED;
}

enum delivery_result peers_hand_on(struct broker *broker, struct mqtt_span key,
                                   struct publication *publication)
{
    const struct parcel parcel = { .group = key };
    enum delivery_result result = hand_on(broker, &parcel, publication);

    return result == DELIVERY_NOBODY ? DELIVERY_DONE : result;
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
        broker->posted_bytes += batch.len;
        port->post(port->context, shard, batch.bytes, batch.len);
    }
    pressure_gauge(broker);
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
    struct numbers numbers = { 0 };

    p->qos = (enum mqtt_qos)mqtt_read_u8(r);
    p->retain = mqtt_read_u8(r) != 0;
    parcel->hops = mqtt_read_u8(r);
    struct mqtt_span bytes = mqtt_read_bytes(r, sizeof(numbers));
    if (bytes.len == sizeof(numbers))
        memcpy(&numbers, bytes.data, sizeof(numbers));
    p->expires_ms = numbers.expires_ms;
    p->number = numbers.message;
    parcel->number = numbers.parcel;
    parcel->ticket = numbers.ticket;
    parcel->origin = numbers.origin;
    p->topic = take_span(r);
    p->forward = take_span(r);
    p->payload = take_span(r);
    parcel->group = take_span(r);
}

/* The group may have left this shard since: it is looked for again. */
static enum delivery_result serve_group(struct broker *broker, struct parcel *parcel,
                                        struct publication *publication, uint64_t now_ms)
{
    struct share_group *here = share_group_find(broker, parcel->group);
    enum delivery_result result;

    parcel->hops++;
    if (here != NULL) {
        result = share_group_deliver(here, publication, now_ms);
        return result == DELIVERY_NOBODY ? hand_on(broker, parcel, publication) : result;
    }
    struct route *route = route_find(broker, publication->topic);
    const struct interest_group *group = find_group(route, parcel->group);
    return group != NULL ? to_group(broker, group, route->turn++, parcel, publication, now_ms)
                         : DELIVERY_DROPPED;
}

/* The deliveries, or the parcel to a further shard, are written before this one is forgotten. */
static void serve(struct broker *broker, struct parcel *parcel, struct publication *publication,
                  uint64_t now_ms)
{
    struct routed routed = { 0 };
    enum delivery_result result = DELIVERY_DONE;

    if (parcel->kind == PARCEL_GROUP) {
        result = serve_group(broker, parcel, publication, now_ms);
        routed_add(&routed, result);
    } else {
        struct route *route = route_find(broker, publication->topic);

        if (route != NULL)
            route_deliver(route, publication, now_ms, &routed);
    }
    /* One that goes on is replied to from where it comes to rest. */
    if (result == DELIVERY_NOBODY || !reply(broker, parcel, &routed))
        journal_forget_parcel(broker, parcel->number);
}

static void take_reply(struct broker *broker, struct mqtt_reader *r)
{
    struct routed routed = { 0 };
    uint64_t numbers[2] = { 0 }; /* ticket, parcel */

    routed.accepted = mqtt_read_u8(r);
    routed.refused = mqtt_read_u8(r) != 0;
    struct mqtt_span bytes = mqtt_read_bytes(r, sizeof(numbers));
    if (bytes.len != sizeof(numbers))
        return;
    memcpy(numbers, bytes.data, sizeof(numbers));
    journal_forget_parcel(broker, numbers[1]);
    publish_replied(broker, numbers[0], &routed);
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
        if (parcel.kind == PARCEL_REPLY) {
            take_reply(broker, &r);
            continue;
        }
        take_parcel(&r, &parcel, &publication);
        if (r.status != MQTT_OK)
            break;
        serve(broker, &parcel, &publication, now_ms);
        publication_fini(&publication, &broker->messages);
        pressure_gauge(broker);
    }
    broker->posted_bytes -= batch.len;
    pressure_gauge(broker);
    broker_reap(broker, now_ms);
}
