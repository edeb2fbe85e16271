/* SPDX-License-Identifier: Apache-2.0 */
/* Random clients against the core, judged by a model: connections that break at any
 * moment, acknowledgements that are late or lost, sessions that resume, begin anew or
 * expire, subscriptions that change, and restarts of the whole broker with another
 * number of shards. The same seed gives the same run.
 *
 *     simulation STEPS SEED [SEED...]
 */
#include "base/testing.h"
#include "codec/ack.h"
#include "codec/publish.h"
#include "codec/subscribe.h"
#include "core/world.h"
#include "simulation/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ACKS     256u
#define EXPIRY_S 50u

/* An acknowledgement that the client has not sent yet. */
struct pending_ack {
    enum mqtt_packet_type type;
    uint16_t packet_id;
};

struct actor {
    struct world_peer *peer; /* NULL: not connected */
    char id[8];
    struct pending_ack acks[ACKS];
    unsigned ack_count;
    uint64_t left_ms; /* when the connection went */
};

struct simulation {
    struct world world;
    struct model model;
    struct test_random random;
    struct actor actors[MODEL_CLIENTS];
    struct world_peer *publisher;
    uint16_t packet_id;
    uint64_t seed;
    unsigned step;
    unsigned restarts;
};

static const char *const topics[MODEL_TOPICS] = { "t/0", "t/1", "t/2", "t/3", "t/4", "t/5" };

static void fail(const struct simulation *s, const char *who, const char *what)
{
    fprintf(stderr, "simulation: seed %llu, step %u: %s received %s\n", (unsigned long long)s->seed,
            s->step, who, what);
    exit(1);
}

static size_t below(struct simulation *s, size_t bound)
{
    return test_random_below(&s->random, bound);
}

static void connect_publisher(struct simulation *s)
{
    s->publisher = world_open(&s->world, MQTT_VERSION_5);
    world_connect(s->publisher, &(struct world_connect){ .client_id = "publisher" }, NULL);
}

/* ---- what clients do ---- */

static void remember_ack(struct actor *actor, enum mqtt_packet_type type, uint16_t packet_id)
{
    if (actor->ack_count < ACKS)
        actor->acks[actor->ack_count++] = (struct pending_ack){ type, packet_id };
}

static void on_publish(struct simulation *s, unsigned who, const struct mqtt_frame *frame)
{
    struct actor *actor = &s->actors[who];
    struct model_client *client = &s->model.clients[who];
    struct mqtt_publish publish;
    uint32_t sequence;

    if (mqtt_publish_decode(client->version, frame->flags, frame->body, &publish) != MQTT_OK
        || publish.payload.len != sizeof(sequence) || publish.topic.len != 3)
        fail(s, actor->id, "a damaged PUBLISH");
    memcpy(&sequence, publish.payload.data, sizeof(sequence));
    if (publish.qos == MQTT_QOS_1)
        remember_ack(actor, MQTT_PUBACK, publish.packet_id);
    if (publish.qos == MQTT_QOS_2) {
        remember_ack(actor, MQTT_PUBREC, publish.packet_id);
        if (client->awaits_release[publish.packet_id])
            return; /* the same message again: QoS 2 takes it once */
        client->awaits_release[publish.packet_id] = true;
    }
    const char *wrong =
        model_receive(&s->model, client, sequence, (unsigned)(publish.topic.data[2] - '0'),
                      publish.qos, publish.duplicate);
    if (wrong != NULL)
        fail(s, actor->id, wrong);
}

static void read_all(struct simulation *s, unsigned who)
{
    struct actor *actor = &s->actors[who];
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    while (actor->peer != NULL && world_take(actor->peer, &frame)) {
        if (frame.type == MQTT_PUBLISH) {
            on_publish(s, who, &frame);
        } else if (frame.type == MQTT_PUBREL) {
            if (mqtt_ack_decode(s->model.clients[who].version, MQTT_PUBREL, frame.body, &ack)
                != MQTT_OK)
                fail(s, actor->id, "a damaged PUBREL");
            s->model.clients[who].awaits_release[ack.packet_id] = false;
            remember_ack(actor, MQTT_PUBCOMP, ack.packet_id);
        }
    }
    if (actor->peer != NULL && actor->peer->parsed == actor->peer->len)
        actor->peer->parsed = actor->peer->len = 0;
}

static void read_everybody(struct simulation *s)
{
    for (unsigned i = 0; i < MODEL_CLIENTS; i++)
        read_all(s, i);
}

static void lose_connection(struct simulation *s, unsigned who)
{
    struct actor *actor = &s->actors[who];
    struct model_client *client = &s->model.clients[who];

    if (actor->peer == NULL)
        return;
    read_all(s, who);
    world_break(actor->peer);
    actor->peer = NULL;
    actor->ack_count = 0;
    actor->left_ms = s->world.now_ms;
    client->is_connected = false;
    if (!client->keeps_session) {
        client->has_session = false;
        model_forget(client);
    }
}

static void connect_one(struct simulation *s, unsigned who)
{
    struct actor *actor = &s->actors[who];
    struct model_client *client = &s->model.clients[who];
    bool resume = below(s, 4) != 0;

    if (actor->peer != NULL)
        return;
    if (!client->has_session || !resume)
        client->version = below(s, 2) != 0 ? MQTT_VERSION_5 : MQTT_VERSION_3_1_1;
    actor->peer = world_open(&s->world, client->version);
    bool present = world_connect(actor->peer,
                                 &(struct world_connect){ .client_id = actor->id,
                                                          .resume = resume,
                                                          .expiry_s = resume ? EXPIRY_S : 0 },
                                 NULL);
    if (present != (client->has_session && resume))
        fail(s, actor->id, present ? "a session it should not have" : "no session");
    if (!present)
        model_forget(client);
    client->has_session = true;
    client->is_connected = true;
    client->keeps_session = resume;
    read_all(s, who);
}

static void acknowledge_some(struct simulation *s, unsigned who)
{
    struct actor *actor = &s->actors[who];
    unsigned count = (unsigned)below(s, actor->ack_count + 1);

    for (unsigned i = 0; i < count && actor->peer != NULL; i++)
        world_ack(actor->peer, actor->acks[i].type, actor->acks[i].packet_id);
    memmove(actor->acks, actor->acks + count, (actor->ack_count - count) * sizeof(actor->acks[0]));
    actor->ack_count -= count;
    read_everybody(s);
}

/* The SUBACK stands behind what may be on its way already, so it is not waited for. */
static void change_subscription(struct simulation *s, unsigned who, unsigned topic)
{
    struct actor *actor = &s->actors[who];
    struct model_client *client = &s->model.clients[who];
    uint8_t packet[64];
    struct mqtt_writer w = mqtt_writer_over(packet, sizeof(packet));
    struct mqtt_span filter = span_of(topics[topic]);

    if (actor->peer == NULL)
        return;
    if (client->qos_of[topic] >= 0 && below(s, 2) == 0) {
        mqtt_unsubscribe_encode(&w, client->version, 5, (struct mqtt_span){ 0 }, &filter, 1);
        client->qos_of[topic] = -1;
    } else {
        const struct mqtt_subscription entry = { .filter = filter,
                                                 .qos = (enum mqtt_qos)below(s, 3) };
        mqtt_subscribe_encode(&w, client->version, 5, (struct mqtt_span){ 0 }, &entry, 1);
        client->qos_of[topic] = (int)entry.qos;
    }
    world_send(actor->peer, mqtt_writer_written(&w));
    world_run(&s->world);
    read_everybody(s);
}

static void publish_some(struct simulation *s)
{
    for (size_t n = 1 + below(s, 6); n > 0; n--) {
        unsigned topic = (unsigned)below(s, MODEL_TOPICS);
        enum mqtt_qos qos = (enum mqtt_qos)below(s, 3);
        uint32_t sequence = model_publish(&s->model, topic, qos);
        uint8_t packet[64];
        const struct mqtt_publish_out publish = {
            .qos = qos,
            .packet_id = qos == MQTT_QOS_0 ? 0 : ++s->packet_id,
            .topic = span_of(topics[topic]),
            .payload = { (const uint8_t *)&sequence, sizeof(sequence) },
        };
        if (qos != MQTT_QOS_0 && s->packet_id == UINT16_MAX)
            s->packet_id = 0;
        uint8_t *end = mqtt_publish_write(packet, MQTT_VERSION_5, &publish, NULL);
        world_send(s->publisher, (struct mqtt_span){ packet, (size_t)(end - packet) });
        world_run(&s->world);
        if (qos == MQTT_QOS_2)
            world_ack(s->publisher, MQTT_PUBREL, publish.packet_id);
        s->publisher->parsed = s->publisher->len = 0;
    }
    read_everybody(s);
}

static void let_time_pass(struct simulation *s)
{
    world_sleep(&s->world, below(s, 20000));
    for (unsigned i = 0; i < MODEL_CLIENTS; i++) {
        struct model_client *client = &s->model.clients[i];
        if (client->is_connected || !client->has_session)
            continue;
        /* MQTT 3.1.1 sessions last as long as the limit, which is far away. */
        if (client->version == MQTT_VERSION_5
            && s->world.now_ms - s->actors[i].left_ms >= EXPIRY_S * 1000u) {
            client->has_session = false;
            model_forget(client);
        }
    }
}

/* ---- restarts ---- */

static void restart(struct simulation *s)
{
    for (unsigned i = 0; i < MODEL_CLIENTS; i++)
        lose_connection(s, i);
    world_restart(&s->world, 1 + (unsigned)below(s, 4));
    connect_publisher(s);
    s->restarts++;
}

/* ---- the run ---- */

static void one_step(struct simulation *s)
{
    unsigned who = (unsigned)below(s, MODEL_CLIENTS);
    size_t chance = below(s, 1000);

    if (chance < 150)
        connect_one(s, who);
    else if (chance < 220)
        lose_connection(s, who);
    else if (chance < 350)
        change_subscription(s, who, (unsigned)below(s, MODEL_TOPICS));
    else if (chance < 700)
        publish_some(s);
    else if (chance < 960)
        acknowledge_some(s, who);
    else if (chance < 995)
        let_time_pass(s);
    else
        restart(s);
}

/* Everybody who is owed something comes back and takes it. */
static void settle(struct simulation *s)
{
    for (unsigned round = 0; round < 2000; round++) {
        bool busy = false;
        for (unsigned i = 0; i < MODEL_CLIENTS; i++) {
            if (s->model.clients[i].has_session && s->actors[i].peer == NULL)
                connect_one(s, i);
            acknowledge_some(s, i);
            busy |= s->actors[i].ack_count > 0;
        }
        if (!busy)
            break;
    }
    for (unsigned i = 0; i < MODEL_CLIENTS; i++)
        if (model_missing(&s->model.clients[i]) > 0)
            fail(s, s->actors[i].id, "less than it is owed");
}

static void run(uint64_t seed, unsigned steps)
{
    struct simulation *s = calloc(1, sizeof(*s));

    if (s == NULL)
        abort();
    s->seed = seed;
    s->random.state = seed * 0x9e3779b97f4a7c15u + 1;
    model_init(&s->model);
    world_init(&s->world, 1 + (unsigned)below(s, 4), NULL);
    for (unsigned i = 0; i < MODEL_CLIENTS; i++)
        snprintf(s->actors[i].id, sizeof(s->actors[i].id), "c%u", i);
    connect_publisher(s);
    for (s->step = 0; s->step < steps; s->step++)
        one_step(s);
    settle(s);
    printf("seed %llu: %u steps, %u published, %llu delivered, %llu repeated, %u restarts\n",
           (unsigned long long)seed, steps, s->model.sequence,
           (unsigned long long)s->model.delivered, (unsigned long long)s->model.repeated,
           s->restarts);
    world_fini(&s->world);
    free(s);
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: simulation STEPS SEED [SEED...]\n");
        return 2;
    }
    for (int i = 2; i < argc; i++)
        run(strtoull(argv[i], NULL, 10), (unsigned)strtoul(argv[1], NULL, 10));
    return 0;
}
