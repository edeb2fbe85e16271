/* SPDX-License-Identifier: Apache-2.0 */
#include "crash/actor.h"

#include "codec/ack.h"
#include "codec/connect.h"
#include "codec/disconnect.h"
#include "codec/properties.h"
#include "codec/publish.h"
#include "codec/subscribe.h"
#include "codec/writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUEST_FIRST 100u /* packet identifiers of SUBSCRIBE and UNSUBSCRIBE */
#define EARLY_US      800000

static void *grown(void *memory, size_t bytes)
{
    void *more = realloc(memory, bytes);

    if (more == NULL)
        abort(); /* a test may */
    return more;
}

struct actor *actor_new(struct model *model, struct broker *broker, unsigned number,
                        const char *name, enum mqtt_version version)
{
    struct actor *actor = calloc(1, sizeof(*actor));

    if (actor == NULL)
        abort();
    actor->model = model;
    actor->broker = broker;
    actor->number = number;
    actor->version = version;
    actor->fd = -1;
    actor->shortest_expiry_s = ACTOR_FOREVER;
    snprintf(actor->name, sizeof(actor->name), "%s", name);
    for (unsigned i = 0; i < ACTOR_GHOSTS; i++)
        actor->ghosts[i] = -1;
    return actor;
}

static void close_ghosts(struct actor *actor)
{
    for (unsigned i = 0; i < ACTOR_GHOSTS; i++) {
        if (actor->ghosts[i] >= 0)
            close(actor->ghosts[i]);
        actor->ghosts[i] = -1;
    }
}

void actor_free(struct actor *actor)
{
    if (actor->fd >= 0)
        close(actor->fd);
    close_ghosts(actor);
    free(actor->waiting.items);
    free(actor->unsettled.items);
    free(actor->in.data);
    free(actor->out.data);
    free(actor);
}

/* ---- bytes out ---- */

static void flush(struct actor *actor)
{
    while (actor->fd >= 0 && actor->out.len > 0) {
        ssize_t sent = send(actor->fd, actor->out.data, actor->out.len, MSG_NOSIGNAL);
        if (sent <= 0)
            return; /* full, or broken: the next read tells */
        actor->out.len -= (size_t)sent;
        memmove(actor->out.data, actor->out.data + sent, actor->out.len);
    }
}

/* Room for a packet of at most `bytes` bytes. */
static struct mqtt_writer begin_packet(struct actor *actor, size_t bytes)
{
    struct bytes *out = &actor->out;

    if (out->room - out->len < bytes) {
        out->room = 2 * out->room + bytes;
        out->data = grown(out->data, out->room);
    }
    actor->index++;
    return mqtt_writer_over(out->data + out->len, bytes);
}

static void end_packet(struct actor *actor, const struct mqtt_writer *w)
{
    if (w->status != MQTT_OK)
        abort(); /* an encoder that refuses what this test writes */
    actor->out.len += mqtt_writer_written(w).len;
}

static void add_number(struct mqtt_writer *w, uint8_t property, uint32_t value)
{
    mqtt_property_write(w, &(struct mqtt_property){ .id = property, .number = value });
}

/* ---- connecting ---- */

static void make_will(struct actor *actor, const struct actor_options *options)
{
    const struct publication like = {
        .publisher = (uint8_t)actor->number,
        .topic = MODEL_WILL,
        .qos = options->will_qos,
        .len = 16,
    };

    actor->will = model_publish(actor->model, &like, broker_now_us() / 1000);
    actor->will_delay_s = actor->version == MQTT_VERSION_5 ? options->will_delay_s : 0;
}

static void send_connect(struct actor *actor, const struct actor_options *options)
{
    uint8_t block[32];
    uint8_t will_block[16];
    uint8_t payload[16];
    struct mqtt_writer w = mqtt_writer_over(block, sizeof(block));
    struct mqtt_writer will = mqtt_writer_over(will_block, sizeof(will_block));
    struct mqtt_connect connect = {
        .version = actor->version,
        .clean_start = actor->is_clean,
        .client_id = span_of(actor->name),
        .has_will = options->has_will,
    };

    if (actor->version == MQTT_VERSION_5) {
        add_number(&w, MQTT_PROP_SESSION_EXPIRY, actor->expiry_s);
        if (options->receive_maximum > 0)
            add_number(&w, MQTT_PROP_RECEIVE_MAXIMUM, options->receive_maximum);
        if (actor->will_delay_s > 0)
            add_number(&will, MQTT_PROP_WILL_DELAY, actor->will_delay_s);
    }
    connect.properties = mqtt_writer_written(&w);
    if (options->has_will) {
        connect.will.qos = (enum mqtt_qos)options->will_qos;
        connect.will.topic = span_of(model_topic(MODEL_WILL));
        connect.will.properties = mqtt_writer_written(&will);
        connect.will.payload =
            (struct mqtt_span){ payload,
                                actor_payload_write(payload, actor->will->id, actor->will->len) };
    }
    struct mqtt_writer out = begin_packet(actor, 512);
    mqtt_connect_encode(&out, &connect);
    end_packet(actor, &out);
}

/* What was on its way over the last connection is not known to have arrived. */
static void forget_connection(struct actor *actor)
{
    /* A session that is there the next time may be this one or the one before: who is careful
     * begins anew. */
    if (actor->phase == ACTOR_CONNECTING && actor->is_doubtful)
        actor->wants_clean = true;
    actor->phase = ACTOR_AWAY;
    actor->is_kept = false;
    actor->in.len = actor->out.len = 0;
    actor->waiting.count = actor->unsettled.count = 0;
    actor->index = 0;
    actor->is_cut = actor->awaits_pong = false;
    memset(actor->requests, 0, sizeof(actor->requests));
    actor->fd = -1;
}

static void haunt(struct actor *actor)
{
    for (unsigned i = 0; i < ACTOR_GHOSTS && actor->fd >= 0; i++) {
        if (actor->ghosts[i] < 0) {
            actor->ghosts[i] = actor->fd;
            actor->fd = -1;
        }
    }
    if (actor->fd >= 0)
        close(actor->fd);
}

/* The will of the connection before this one. It is gone when the session was resumed in time. */
static void end_will(struct actor *actor, bool is_resumed)
{
    if (is_resumed && actor->will_delay_s == ACTOR_FOREVER)
        model_will_is_off(actor->will);
    else
        model_left(actor->model, actor->will);
    actor->will = NULL;
}

bool actor_open(struct actor *actor, const struct actor_options *options)
{
    int fd = broker_connect(actor->broker);

    if (fd < 0)
        return false;
    if (actor->is_kept)
        actor->lost_us = broker_now_us();
    haunt(actor);
    forget_connection(actor);
    actor->fd = fd;
    actor->phase = ACTOR_CONNECTING;
    actor->is_clean = actor->wants_clean;
    actor->is_doubtful = actor->model->session[actor->number] == SESSION_MAYBE;
    actor->expiry_s = options->expiry_s;
    actor->receive_maximum = options->receive_maximum;
    actor->patience = options->patience;
    if (actor->expiry_s < actor->shortest_expiry_s)
        actor->shortest_expiry_s = actor->expiry_s;
    if (actor->is_clean)
        model_session_may_end(actor->model, actor->number);
    else
        model_session_may_begin(actor->model, actor->number);
    model_step(actor->model, actor->number, actor->is_clean ? "CONNECT, clean start" : "CONNECT");
    struct actor_options sent = *options;
    /* One will at a time is enough to know which of them may come. */
    sent.has_will = options->has_will && actor->will == NULL && !actor->is_clean;
    actor->has_new_will = sent.has_will;
    if (sent.has_will)
        make_will(actor, &sent);
    send_connect(actor, &sent);
    flush(actor);
    return true;
}

/* ---- the other packets ---- */

static void send_publish(struct actor *actor, struct slot *slot, bool is_again)
{
    const struct publication *p = slot->publication;
    const struct mqtt_publish_out out = {
        .qos = (enum mqtt_qos)p->qos,
        .retain = p->retain,
        .duplicate = is_again,
        .packet_id = (uint16_t)(p->qos > 0 ? slot - actor->slots + 1 : 0),
        .topic = span_of(model_topic(p->topic)),
        .has_expiry = p->expiry_s > 0 && actor->version == MQTT_VERSION_5,
        .expiry_s = p->expiry_s,
    };
    uint8_t *payload = grown(NULL, p->len + 1u);
    struct mqtt_publish_out whole = out;

    whole.payload = (struct mqtt_span){ payload, actor_payload_write(payload, p->id, p->len) };
    size_t bytes = mqtt_publish_size(actor->version, &whole);
    struct mqtt_writer w = begin_packet(actor, bytes);
    mqtt_publish_write(w.at, actor->version, &whole, NULL);
    actor->out.len += bytes;
    slot->index = actor->index;
    free(payload);
}

static void send_ack(struct actor *actor, enum mqtt_packet_type type, uint16_t packet_id)
{
    struct mqtt_writer w = begin_packet(actor, 16);

    mqtt_ack_encode(&w, actor->version, type, &(struct mqtt_ack){ .packet_id = packet_id });
    end_packet(actor, &w);
}

void actor_publish(struct actor *actor, const struct publication *like)
{
    struct slot none = { SLOT_FREE, NULL, 0, 0 };
    struct slot *slot = like->qos == 0 ? &none : actor->slots;

    if (like->qos > 0) {
        while (slot < actor->slots + ACTOR_SLOTS && slot->state != SLOT_FREE)
            slot++;
        if (slot == actor->slots + ACTOR_SLOTS)
            return;
    }
    struct publication numbered = *like;
    numbered.packet_id = (uint16_t)(like->qos > 0 ? slot - actor->slots + 1 : 0);
    slot->publication = model_publish(actor->model, &numbered, broker_now_us() / 1000);
    slot->state = SLOT_PUBLISHED;
    slot->order = ++actor->order;
    send_publish(actor, slot, false);
}

static struct request *new_request(struct actor *actor, unsigned filter, unsigned possible)
{
    struct request *free_one = NULL;

    for (unsigned i = 0; i < ACTOR_REQUESTS; i++) {
        if (actor->requests[i].packet_id == 0)
            free_one = &actor->requests[i];
        else if (actor->requests[i].filter == filter)
            return NULL; /* one at a time */
    }
    if (free_one == NULL)
        return NULL;
    actor->next_request = (uint16_t)((actor->next_request + 1) % 1000);
    *free_one = (struct request){
        .packet_id = (uint16_t)(REQUEST_FIRST + actor->next_request),
        .filter = (uint8_t)filter,
        .possible = (uint8_t)possible,
    };
    return free_one;
}

void actor_subscribe(struct actor *actor, unsigned filter, unsigned qos)
{
    const struct request *request = new_request(actor, filter, MODEL_QOS(qos));
    const struct mqtt_subscription entry = { .filter = span_of(model_filter(filter)),
                                             .qos = (enum mqtt_qos)qos };

    if (request == NULL)
        return;
    model_subscribing(actor->model, actor->number, filter, qos);
    struct mqtt_writer w = begin_packet(actor, 128);
    mqtt_subscribe_encode(&w, actor->version, request->packet_id, (struct mqtt_span){ NULL, 0 },
                          &entry, 1);
    end_packet(actor, &w);
}

void actor_unsubscribe(struct actor *actor, unsigned filter)
{
    const struct request *request = new_request(actor, filter, MODEL_ABSENT);
    const struct mqtt_span name = span_of(model_filter(filter));

    if (request == NULL)
        return;
    model_unsubscribing(actor->model, actor->number, filter);
    struct mqtt_writer w = begin_packet(actor, 128);
    mqtt_unsubscribe_encode(&w, actor->version, request->packet_id, (struct mqtt_span){ NULL, 0 },
                            &name, 1);
    end_packet(actor, &w);
}

void actor_ping(struct actor *actor)
{
    struct mqtt_writer w = begin_packet(actor, 4);

    mqtt_ping_encode(&w, MQTT_PINGREQ);
    end_packet(actor, &w);
    actor->awaits_pong = true;
}

void actor_leave(struct actor *actor, enum actor_farewell farewell)
{
    const struct mqtt_property ends = { .id = MQTT_PROP_SESSION_EXPIRY, .number = 0 };
    struct mqtt_disconnect disconnect = { 0 };
    uint8_t block[8];
    struct mqtt_writer properties = mqtt_writer_over(block, sizeof(block));

    if (farewell == FAREWELL_FOR_EVER && actor->version == MQTT_VERSION_5) {
        model_session_may_end(actor->model, actor->number);
        actor->wants_clean = true;
        mqtt_property_write(&properties, &ends);
        disconnect.properties = mqtt_writer_written(&properties);
    }
    if (farewell != FAREWELL_NONE) {
        struct mqtt_writer w = begin_packet(actor, 32);
        mqtt_disconnect_encode(&w, actor->version, &disconnect);
        end_packet(actor, &w);
    }
    flush(actor);
    model_step(actor->model, actor->number, farewell == FAREWELL_NONE ? "closes" : "DISCONNECT");
    if (actor->is_kept)
        actor->lost_us = broker_now_us();
    close(actor->fd);
    forget_connection(actor);
}

/* ---- answers ---- */

static void push(struct answers *answers, struct answer answer)
{
    if (answers->count == answers->room) {
        answers->room = 2 * answers->room + 16;
        answers->items = grown(answers->items, answers->room * sizeof(*answers->items));
    }
    answers->items[answers->count++] = answer;
}

void actor_answer(struct actor *actor, enum mqtt_packet_type type, uint16_t packet_id,
                  struct publication *publication)
{
    push(&actor->waiting, (struct answer){ type, packet_id, publication, 0 });
}

static void send_answers(struct actor *actor, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct answer answer = actor->waiting.items[i];
        send_ack(actor, answer.type, answer.packet_id);
        answer.index = actor->index;
        if (answer.type == MQTT_PUBREL && answer.packet_id <= ACTOR_SLOTS)
            actor->slots[answer.packet_id - 1].index = actor->index;
        if (answer.type == MQTT_PUBACK && answer.publication != NULL)
            push(&actor->unsettled, answer);
    }
    actor->waiting.count -= count;
    if (actor->waiting.count > 0)
        memmove(actor->waiting.items, actor->waiting.items + count,
                actor->waiting.count * sizeof(*actor->waiting.items));
}

/* In the order in which they were sent at first. [MQTT-4.6.0-1] */
static void send_all_again(struct actor *actor)
{
    uint64_t after = 0;

    for (;;) {
        struct slot *next = NULL;
        for (unsigned i = 0; i < ACTOR_SLOTS; i++) {
            struct slot *slot = &actor->slots[i];
            if (slot->state != SLOT_FREE && slot->order > after
                && (next == NULL || slot->order < next->order))
                next = slot;
        }
        if (next == NULL)
            return;
        after = next->order;
        if (next->state == SLOT_PUBLISHED) {
            model_resent(actor->model, next->publication, broker_now_us() / 1000);
            send_publish(actor, next, true);
        } else {
            send_ack(actor, MQTT_PUBREL, (uint16_t)(next - actor->slots + 1));
            next->index = actor->index;
        }
    }
}

static void forget_session(struct actor *actor)
{
    for (unsigned i = 0; i < ACTOR_SLOTS; i++) {
        if (actor->slots[i].state == SLOT_PUBLISHED)
            model_left(actor->model, actor->slots[i].publication);
        actor->slots[i].state = SLOT_FREE;
    }
    memset(actor->received, 0, sizeof(actor->received));
    actor->unreleased = 0;
}

/* From now on the broker may be held to what came with CONNECT. */
static void keep(struct actor *actor, bool is_resumed)
{
    actor->is_kept = true;
    actor->shortest_expiry_s = actor->expiry_s;
    if (actor->will != NULL && !actor->has_new_will)
        end_will(actor, is_resumed);
}

void actor_connack(struct actor *actor, bool is_present)
{
    if (actor->is_clean && is_present)
        report_fault(&actor->model->place, FAULT_WRONG,
                     "client-%u asked for a clean start and found a session", actor->number);
    actor->phase = ACTOR_HERE;
    model_connected(actor->model, actor->number, is_present);
    actor->wants_clean = false;
    if (is_present) {
        send_all_again(actor);
        return;
    }
    /* The CONNACK of a session that goes on does not wait for the disk, that of a new one does. */
    forget_session(actor);
    keep(actor, false);
    if (!actor->is_clean || actor->version == MQTT_VERSION_5)
        return;
    /* Clean Session of 3.1.1 ends with its connection. */
    actor_leave(actor, FAREWELL_POLITE);
    model_session_ended(actor->model, actor->number);
}

/* The broker confirms what was sent as packet `index`: what was sent before it is kept as well. */
void actor_settle(struct actor *actor, uint64_t index)
{
    size_t kept = 0;

    if (!actor->is_kept)
        keep(actor, true);
    for (size_t i = 0; i < actor->unsettled.count; i++) {
        if (actor->unsettled.items[i].index < index)
            model_settled(actor->model, actor->number, actor->unsettled.items[i].publication);
        else
            actor->unsettled.items[kept++] = actor->unsettled.items[i];
    }
    actor->unsettled.count = kept;
}

/* ---- time, and ends ---- */

void actor_gone(struct actor *actor)
{
    if (actor->is_kept)
        actor->lost_us = broker_now_us();
    close(actor->fd);
    forget_connection(actor);
    actor->is_cut = true;
}

static void drain_ghosts(struct actor *actor)
{
    uint8_t nothing[4096];

    for (unsigned i = 0; i < ACTOR_GHOSTS; i++) {
        ssize_t got = 1;
        while (actor->ghosts[i] >= 0 && got > 0)
            got = recv(actor->ghosts[i], nothing, sizeof(nothing), 0);
        if (got == 0) {
            close(actor->ghosts[i]);
            actor->ghosts[i] = -1;
        }
    }
}

void actor_turn(struct actor *actor, struct test_random *random)
{
    drain_ghosts(actor);
    if (actor->phase != ACTOR_HERE && actor->shortest_expiry_s < ACTOR_FOREVER
        && broker_now_us() - actor->lost_us > EARLY_US)
        model_session_may_end(actor->model, actor->number);
    if (actor->phase != ACTOR_HERE)
        return;
    if (actor->patience <= 1)
        send_answers(actor, actor->waiting.count);
    else if (actor->waiting.count > 0 && test_random_below(random, actor->patience) == 0)
        send_answers(actor, 1 + test_random_below(random, actor->waiting.count));
    flush(actor);
}

void actor_crash(struct actor *actor, bool forgetful)
{
    actor->was_kept = actor->is_kept;
    if (actor->fd >= 0 && !forgetful)
        actor_read(actor);
    if (actor->fd >= 0)
        actor_gone(actor);
    close_ghosts(actor);
    forget_connection(actor);
}

bool actor_is_idle(const struct actor *actor)
{
    for (unsigned i = 0; i < ACTOR_SLOTS; i++)
        if (actor->slots[i].state != SLOT_FREE)
            return false;
    return actor->waiting.count == 0 && actor->out.len == 0 && actor->unreleased == 0;
}

void actor_judge(const struct actor *actor)
{
    for (unsigned id = 1; id < MQTT_ARRAY_LEN(actor->received); id++)
        if (actor->received[id] != 0)
            report_fault(&actor->model->place, FAULT_LOST,
                         "the PUBREL of packet identifier %u (message %u) never came to client-%u",
                         id, actor->received[id], actor->number);
    for (unsigned i = 0; i < ACTOR_SLOTS; i++)
        if (actor->slots[i].state != SLOT_FREE)
            report_fault(
                &actor->model->place, FAULT_LOST, "%s of message %u never came to client-%u",
                actor->slots[i].state == SLOT_PUBLISHED ? "the acknowledgement" : "PUBCOMP",
                actor->slots[i].publication->id, actor->number);
}
