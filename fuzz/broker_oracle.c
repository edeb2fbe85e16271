/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_oracle.h"

#include "base/invariant.h"
#include "codec/topic.h"
#include "core/client.h"
#include "core/shared_state.h"
#include "core/standing.h"
#include "core/state.h"
#include "core/subscription.h"
#include "policy/filter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOPIC_BYTES 128u
#define ROOM_BYTES  512u /* more than any message of the script takes */

/* ---- who ---- */

struct looking {
    const struct world *world;
    const struct session *origin;
    const struct mqtt_publish_out *publish;
    struct mqtt_span topic; /* as in the broker */
    struct mqtt_span groups[8];
    struct foreseen *out;
};

static bool may_receive(const struct world *world, const struct session *session,
                        struct mqtt_span topic)
{
    struct mqtt_span space = session_space(session);
    const struct role *role = policy_find(world->policy, session->identity);

    if (topic.len <= space.len || memcmp(topic.data, space.data, space.len) != 0)
        return false;
    topic = (struct mqtt_span){ topic.data + space.len, topic.len - space.len };
    return policy_decide_receive(role, session->identity, topic).verdict == POLICY_ALLOW;
}

/* Whether it has been found out already depends on what has happened since the policy last changed; this
 * message may be what does it. */
static bool is_barred(const struct world *world, const struct session *session)
{
    const char *device = session->identity->device;

    return world->barred != NULL && device != NULL && strcmp(world->barred, device) == 0;
}

/* May something beside policy keep a message from it? */
static bool has_room(const struct session *session, const struct actor *actor, enum mqtt_qos qos)
{
    const struct limits *limits = &session->broker->limits;
    const struct client *client = session->client;

    if (session->is_cut_off)
        return false;
    if (session->outgoing.queued_count >= limits->session_queue_messages
        || session->outgoing.queued_bytes + ROOM_BYTES > limits->session_queue_bytes)
        return false;
    if (client == NULL)
        return qos != MQTT_QOS_0;
    return actor != NULL && !actor->is_wild && client->state == CLIENT_ACTIVE && !client->stalled
           && !actor->peer->takes_nothing && actor->maximum_packet > ROOM_BYTES;
}

static void note_group(struct looking *look, struct mqtt_span filter)
{
    for (unsigned i = 0; i < look->out->groups; i++)
        if (span_equal(look->groups[i], filter))
            return;
    if (look->out->groups < MQTT_ARRAY_LEN(look->groups))
        look->groups[look->out->groups++] = filter;
}

static void foresee_session(struct looking *look, const struct session *session,
                            struct foreseen_session *out)
{
    enum mqtt_qos qos = MQTT_QOS_0;
    bool is_free = true; /* of quotas */

    list_for_each (link, &session->subscriptions) {
        const struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);

        if (!mqtt_topic_matches(filter_unshared(subscription_filter(s)), look->topic))
            continue;
        if (s->group != NULL) {
            out->groups++;
            note_group(look, subscription_filter(s));
            continue;
        }
        if (s->no_local && session == look->origin)
            continue;
        out->is_wanted = true;
        is_free &= s->quota == NULL;
        qos = s->qos > qos ? s->qos : qos;
    }
    qos = look->publish->qos < qos ? look->publish->qos : qos;
    if (!may_receive(look->world, session, look->topic)
        || (session->client == NULL && qos == MQTT_QOS_0))
        out->is_wanted = false;
    out->is_certain =
        is_free && !is_barred(look->world, session) && has_room(session, out->actor, qos);
}

static struct actor *actor_of(struct actor *actors, const struct session *session)
{
    for (size_t i = 0; i < ACTORS; i++)
        if (actors[i].peer != NULL && session->client != NULL
            && actors[i].peer->client == session->client)
            return &actors[i];
    return NULL;
}

static void judge_publisher(struct looking *look, const struct client *client)
{
    const struct session *session = client->session;
    const struct mqtt_publish_out *publish = look->publish;
    const struct role *role = policy_find(look->world->policy, session->identity);
    const struct policy_publish judgement =
        policy_decide_publish(role, session->identity, publish->topic);

    look->out->is_permitted = policy_publish_objection(&judgement, (uint8_t)publish->qos,
                                                       publish->retain, publish->payload.len)
                              == NULL;
    look->out->is_taken = look->out->is_permitted && judgement.rate == NULL
                          && look->world->disk_state == JOURNAL_OPEN && !look->world->disk_is_slow
                          && !packet_ids_has(&session->received, publish->packet_id);
}

static void foresee_all(struct looking *look, struct actor *actors)
{
    struct foreseen *out = look->out;

    for (unsigned i = 0; i < look->world->shards; i++) {
        list_for_each (link, &look->world->brokers[i]->session_list) {
            const struct session *session = MQTT_CONTAINER_OF(link, struct session, in_broker);
            struct mqtt_span id = session_client_id(session);
            struct foreseen_session *at = &out->sessions[out->count];

            if (out->count == FORESEEN || id.len >= sizeof(at->client_id)) {
                *out = (struct foreseen){ 0 };
                return;
            }
            *at = (struct foreseen_session){ .shard = i, .actor = actor_of(actors, session) };
            memcpy(at->client_id, id.data, id.len);
            foresee_session(look, session, at);
            out->count++;
        }
    }
}

void oracle_foresee(struct world *world, struct actor *actors, struct actor *publisher,
                    const struct mqtt_publish_out *publish, struct foreseen *out)
{
    const struct client *client = publisher->peer->client;
    char topic[TOPIC_BYTES];

    *out = (struct foreseen){ 0 };
    if (client == NULL || client->state != CLIENT_ACTIVE || client_is_waiting(client)
        || client->session->is_cut_off || publisher->is_wild)
        return;
    struct mqtt_span space = session_space(client->session);
    int len = snprintf(topic, sizeof(topic), "%.*s%.*s", (int)space.len, (const char *)space.data,
                       (int)publish->topic.len, (const char *)publish->topic.data);
    struct looking look = { .world = world,
                            .origin = client->session,
                            .publish = publish,
                            .topic = { (const uint8_t *)topic, (size_t)len },
                            .out = out };
    memcpy(&out->marker, publish->payload.data, MARKER_BYTES);
    out->publisher = publisher;
    judge_publisher(&look, client);
    for (size_t i = 0; i < ACTORS; i++) {
        actors[i].marker = out->marker;
        actors[i].counted = 0;
    }
    foresee_all(&look, actors);
}

static bool is_marked(const struct delivery *delivery, uint64_t marker)
{
    struct mqtt_span payload;

    if (delivery->message == NULL)
        return false;
    payload = message_payload(delivery->message);
    return payload.len >= MARKER_BYTES && memcmp(payload.data, &marker, MARKER_BYTES) == 0;
}

/* How often does it wait for its client? */
static unsigned count_waiting(const struct session *session, uint64_t marker)
{
    unsigned count = 0;

    list_for_each (link, &session->outgoing.queue)
        count += is_marked(MQTT_CONTAINER_OF(link, struct delivery, link), marker);
    return count;
}

/* It may lie in the outbox of somebody who does not read. */
static unsigned count_unread(const struct session *session, const struct foreseen *foreseen)
{
    unsigned count = 0;

    list_for_each (link, &session->outgoing.inflight)
        count += is_marked(MQTT_CONTAINER_OF(link, struct delivery, link), foreseen->marker);
    return count;
}

static unsigned count_got(const struct world *world, const struct foreseen *foreseen,
                          const struct foreseen_session *one)
{
    const struct session *session =
        session_find(world->brokers[one->shard], span_of(one->client_id));
    unsigned sent = one->actor != NULL ? one->actor->counted : 0;
    unsigned unread = session != NULL ? count_unread(session, foreseen) : 0;

    return (session != NULL ? count_waiting(session, foreseen->marker) : 0)
           + (sent > unread ? sent : unread);
}

void oracle_check(const struct world *world, const struct foreseen *foreseen)
{
    unsigned got = 0;
    unsigned most = foreseen->groups;
    bool is_taken = foreseen->is_taken && foreseen->publisher->peer != NULL;

    for (size_t i = 0; i < foreseen->count; i++) {
        const struct foreseen_session *one = &foreseen->sessions[i];
        unsigned here = count_got(world, foreseen, one);

        MQTT_INVARIANT(foreseen->is_permitted || here == 0);
        MQTT_INVARIANT(here <= one->is_wanted + one->groups);
        if (is_taken && one->is_wanted && one->is_certain)
            MQTT_INVARIANT(here >= 1);
        got += here;
        most += one->is_wanted;
    }
    MQTT_INVARIANT(got <= most);
}

/* ---- what is kept ---- */

static uint64_t mix(uint64_t hash, struct mqtt_span bytes)
{
    static const struct siphash_key key = { 3, 4 };
    uint64_t words[2] = { hash, siphash(&key, bytes) };

    return siphash(&key, (struct mqtt_span){ (const uint8_t *)words, sizeof(words) });
}

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
    return mix(hash, (struct mqtt_span){ (const uint8_t *)&number, sizeof(number) });
}

static void add(struct kept *kept, uint64_t thing)
{
    if (kept->count < KEPT)
        kept->things[kept->count++] = thing;
    else
        kept->is_known = false;
}

static void keep_delivery(struct kept *kept, uint64_t whose, const struct delivery *delivery,
                          uint64_t now_ms)
{
    uint64_t thing = mix_number(mix_number(whose, delivery->packet_id), delivery->state);

    if (delivery->message != NULL && delivery->message->expires_ms <= now_ms)
        return;
    thing = mix_number(thing, delivery->qos);
    if (delivery->message != NULL)
        thing =
            mix(mix(thing, message_topic(delivery->message)), message_payload(delivery->message));
    add(kept, thing);
}

struct received {
    struct kept *kept;
    uint64_t whose;
};

static void keep_received(void *context, uint16_t packet_id)
{
    const struct received *received = context;

    add(received->kept, mix_number(mix_number(received->whose, 1), packet_id));
}

static void keep_session(struct kept *kept, const struct session *session, uint64_t now_ms)
{
    uint64_t whose = mix(mix_number(0, session->expiry_s), session_client_id(session));
    struct received received = { kept, whose };

    if (session->will != NULL) /* what it does when it is published is not foreseen */
        kept->is_known = false;
    if (session->number == 0)
        return;
    add(kept, whose);
    packet_ids_each(&session->received, keep_received, &received);
    list_for_each (link, &session->subscriptions) {
        const struct subscription *s = MQTT_CONTAINER_OF(link, struct subscription, in_session);

        add(kept, mix_number(mix(whose, subscription_filter(s)),
                             s->qos * 8u + s->no_local * 4u + s->retain_as_published));
    }
    list_for_each (link, &session->outgoing.inflight)
        keep_delivery(kept, whose, MQTT_CONTAINER_OF(link, struct delivery, link), now_ms);
    list_for_each (link, &session->outgoing.queue)
        keep_delivery(kept, whose, MQTT_CONTAINER_OF(link, struct delivery, link), now_ms);
}

struct retained {
    struct kept *kept;
    uint64_t now_ms;
};

static bool keep_retained(void *context, struct mqtt_span topic, void *value)
{
    const struct retained_message *message = value;
    const struct retained *retained = context;

    if (message->number != 0 && message->expires_ms > retained->now_ms)
        add(retained->kept,
            mix(mix(2, topic),
                (struct mqtt_span){ message->bytes + message->topic_len + message->forward_len,
                                    message->payload_len }));
    return true;
}

static void gather(struct world *world, struct kept *out)
{
    struct retained retained = { out, world->now_ms };

    *out = (struct kept){ .is_known = true };
    for (unsigned i = 0; i < world->shards; i++)
        list_for_each (link, &world->brokers[i]->session_list)
            keep_session(out, MQTT_CONTAINER_OF(link, struct session, in_broker), world->now_ms);
    retained_tree_each(world->shared->retained, keep_retained, &retained);
}

void oracle_keep(struct world *world, struct kept *out)
{
    gather(world, out);
    if (world->confirmed < world->disk.count || world->disk_state != JOURNAL_OPEN)
        out->is_known = false;
    for (unsigned i = 0; i < world->shards; i++)
        if (world->brokers[i]->journal.frame.len > 0 || world->brokers[i]->walk.session != NULL)
            out->is_known = false;
}

void oracle_check_kept(struct world *world, const struct kept *before)
{
    struct kept after;

    if (!before->is_known)
        return;
    gather(world, &after);
    for (size_t i = 0; i < before->count; i++) {
        size_t at = 0;

        while (at < after.count && after.things[at] != before->things[i])
            at++;
        MQTT_INVARIANT(at < after.count);
        after.things[at] = after.things[--after.count];
    }
    MQTT_INVARIANT(after.count == 0); /* and nothing that was not there */
}
