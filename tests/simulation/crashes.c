/* SPDX-License-Identifier: Apache-2.0 */
/* The core and its journal under crashes: random clients, a disk that confirms late, and a process
 * that is killed between any two frames, some of which have come and some have not. What was
 * acknowledged has to be there, QoS 2 once, in order, and what was not is sent again by its
 * publisher, as MQTT wants it. The same seed gives the same run.
 *
 *     crashes CRASHES SEED
 */
#include "base/testing.h"
#include "codec/ack.h"
#include "codec/publish.h"
#include "core/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PUBLISHERS  3u
#define SUBSCRIBERS 5u
#define TOPICS      4u
#define WINDOW      12u
#define BACKLOG     8192u /* acknowledgements that a subscriber may owe */
#define EPOCH       2000u /* messages until everything is collected and judged */

/* A publication that is not over. */
struct outgoing_one {
    uint32_t sequence;
    uint16_t packet_id;
    uint8_t topic;
    uint8_t qos;
    bool is_released; /* QoS 2: PUBREC came */
};

struct publisher {
    struct world_peer *peer; /* NULL: not connected */
    char id[12];
    struct outgoing_one window[WINDOW];
    unsigned count;
    uint16_t packet_id;
};

struct owed_ack {
    enum mqtt_packet_type type;
    uint16_t packet_id;
};

struct subscriber {
    struct world_peer *peer;
    char id[12];
    int qos_of[TOPICS]; /* -1: not subscribed */
    bool holds[65536];  /* QoS 2: received and not released */
    struct owed_ack acks[BACKLOG];
    unsigned ack_count;
    uint16_t received[EPOCH]; /* how often */
    uint32_t last[PUBLISHERS][TOPICS][3];
};

struct message {
    uint8_t publisher;
    uint8_t topic;
    uint8_t qos;
    bool is_acknowledged;
};

struct run {
    struct world world;
    struct test_random random;
    uint64_t seed;
    struct publisher publishers[PUBLISHERS];
    struct subscriber subscribers[SUBSCRIBERS];
    struct message messages[EPOCH];
    uint32_t count; /* of this epoch */
    uint64_t crashes;
    uint64_t acknowledged;
    uint64_t lost;
    uint64_t duplicated;
    uint64_t reordered;
};

static size_t below(struct run *r, size_t bound)
{
    return test_random_below(&r->random, bound);
}

static void wrong(struct run *r, uint64_t *counter, const char *who, uint32_t sequence)
{
    const struct message *m = &r->messages[sequence];

    ++*counter;
    fprintf(stderr, "seed %llu, crash %llu: %s, message %u (publisher %u, topic %u, QoS %u): %s\n",
            (unsigned long long)r->seed, (unsigned long long)r->crashes, who, sequence,
            m->publisher, m->topic, m->qos,
            counter == &r->lost         ? "lost"
            : counter == &r->duplicated ? "duplicated"
                                        : "reordered");
}

static void broken(const struct run *r, const char *what)
{
    fprintf(stderr, "seed %llu, crash %llu: %s\n", (unsigned long long)r->seed,
            (unsigned long long)r->crashes, what);
    exit(1);
}

/* ---- publishers ---- */

static void send_publish(struct publisher *p, const struct outgoing_one *one, bool duplicate)
{
    uint8_t packet[64];
    char topic[4] = { 't', '/', (char)('0' + one->topic), 0 };
    const struct mqtt_publish_out publish = {
        .qos = (enum mqtt_qos)one->qos,
        .duplicate = duplicate,
        .packet_id = one->packet_id,
        .topic = span_of(topic),
        .payload = { (const uint8_t *)&one->sequence, sizeof(one->sequence) },
    };
    uint8_t *end = mqtt_publish_write(packet, MQTT_VERSION_5, &publish, NULL);

    world_send(p->peer, (struct mqtt_span){ packet, (size_t)(end - packet) });
}

static void publish_one(struct run *r, unsigned who)
{
    struct publisher *p = &r->publishers[who];

    if (p->peer == NULL || p->count == WINDOW || r->count == EPOCH)
        return;
    if (++p->packet_id == 0)
        p->packet_id = 1;
    const struct outgoing_one one = {
        .sequence = r->count++,
        .packet_id = p->packet_id,
        .topic = (uint8_t)below(r, TOPICS),
        .qos = (uint8_t)(1 + below(r, 2)),
    };
    r->messages[one.sequence] = (struct message){ (uint8_t)who, one.topic, one.qos, false };
    p->window[p->count++] = one;
    send_publish(p, &one, false);
}

static void remove_one(struct publisher *p, unsigned i)
{
    p->count--;
    memmove(&p->window[i], &p->window[i + 1], (p->count - i) * sizeof(p->window[0]));
}

static void on_publisher_ack(struct run *r, struct publisher *p, enum mqtt_packet_type type,
                             const struct mqtt_ack *ack)
{
    for (unsigned i = 0; i < p->count; i++) {
        struct outgoing_one *one = &p->window[i];

        if (one->packet_id != ack->packet_id)
            continue;
        if (ack->reason >= MQTT_UNSPECIFIED_ERROR && type != MQTT_PUBCOMP)
            broken(r, "a publication was refused");
        if (type != MQTT_PUBCOMP && !one->is_released) {
            r->messages[one->sequence].is_acknowledged = true;
            r->acknowledged++;
        }
        if (type == MQTT_PUBREC) {
            one->is_released = true;
            world_ack(p->peer, MQTT_PUBREL, one->packet_id);
        } else {
            remove_one(p, i);
        }
        return;
    }
}

static void read_publisher(struct run *r, struct publisher *p)
{
    struct mqtt_frame frame;
    struct mqtt_ack ack;

    while (p->peer != NULL && world_take(p->peer, &frame)) {
        if (frame.type != MQTT_PUBACK && frame.type != MQTT_PUBREC && frame.type != MQTT_PUBCOMP)
            continue;
        if (mqtt_ack_decode(MQTT_VERSION_5, frame.type, frame.body, &ack) != MQTT_OK)
            broken(r, "a damaged acknowledgement");
        on_publisher_ack(r, p, frame.type, &ack);
    }
}

/* CONNECT, and then the CONNACK, which waits for the disk where a session is new. */
static bool join(struct run *r, struct world_peer **out, const char *id)
{
    const struct world_connect how = { .client_id = id, .resume = true, .expiry_s = 100000 };
    uint8_t reason;

    *out = world_open(&r->world, MQTT_VERSION_5);
    world_begin(*out, &how);
    world_confirm(&r->world, SIZE_MAX);
    world_run(&r->world);
    bool is_present = world_take_connack(*out, &reason);
    if (reason != MQTT_SUCCESS)
        broken(r, "CONNECT was refused");
    return is_present;
}

static void connect_publisher(struct run *r, struct publisher *p, bool is_first)
{
    if (p->peer != NULL)
        return;
    if (join(r, &p->peer, p->id) == is_first)
        broken(r, is_first ? "a session that is not" : "a session is gone");
    unsigned count = p->count;
    for (unsigned i = 0; i < count; i++) {
        if (p->window[i].is_released)
            world_ack(p->peer, MQTT_PUBREL, p->window[i].packet_id);
        else
            send_publish(p, &p->window[i], true);
    }
}

/* ---- subscribers ---- */

static void owe(struct run *r, struct subscriber *s, enum mqtt_packet_type type, uint16_t packet_id)
{
    if (s->ack_count == BACKLOG)
        broken(r, "more in flight than the window allows");
    s->acks[s->ack_count++] = (struct owed_ack){ type, packet_id };
}

static void on_message(struct run *r, struct subscriber *s, const struct mqtt_publish *publish)
{
    uint32_t sequence;

    if (publish->payload.len != sizeof(sequence))
        broken(r, "a damaged message");
    memcpy(&sequence, publish->payload.data, sizeof(sequence));
    if (sequence >= r->count)
        broken(r, "a message of another time");
    const struct message *m = &r->messages[sequence];
    uint32_t *last = &s->last[m->publisher][m->topic][m->qos];
    bool is_first = s->received[sequence]++ == 0;

    if (publish->qos == MQTT_QOS_2 && !is_first)
        wrong(r, &r->duplicated, s->id, sequence);
    if (is_first && *last > sequence)
        wrong(r, &r->reordered, s->id, sequence);
    if (is_first)
        *last = sequence;
}

static void read_subscriber(struct run *r, struct subscriber *s)
{
    struct mqtt_frame frame;
    struct mqtt_publish publish;
    struct mqtt_ack ack;

    while (s->peer != NULL && world_take(s->peer, &frame)) {
        if (frame.type == MQTT_PUBREL) {
            if (mqtt_ack_decode(MQTT_VERSION_5, frame.type, frame.body, &ack) != MQTT_OK)
                broken(r, "a damaged PUBREL");
            s->holds[ack.packet_id] = false;
            owe(r, s, MQTT_PUBCOMP, ack.packet_id);
            continue;
        }
        if (frame.type != MQTT_PUBLISH)
            continue;
        if (mqtt_publish_decode(MQTT_VERSION_5, frame.flags, frame.body, &publish) != MQTT_OK)
            broken(r, "a damaged PUBLISH");
        owe(r, s, publish.qos == MQTT_QOS_2 ? MQTT_PUBREC : MQTT_PUBACK, publish.packet_id);
        if (publish.qos == MQTT_QOS_2 && s->holds[publish.packet_id])
            continue; /* the same message again: QoS 2 takes it once */
        if (publish.qos == MQTT_QOS_2)
            s->holds[publish.packet_id] = true;
        on_message(r, s, &publish);
    }
}

static void read_everybody(struct run *r)
{
    for (unsigned i = 0; i < PUBLISHERS; i++)
        read_publisher(r, &r->publishers[i]);
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        read_subscriber(r, &r->subscribers[i]);
    for (unsigned i = 0; i < WORLD_PEERS; i++) {
        struct world_peer *peer = &r->world.peers[i];

        if (peer->parsed == peer->len)
            peer->parsed = peer->len = 0;
    }
}

static void acknowledge_some(struct run *r, struct subscriber *s)
{
    unsigned count = (unsigned)below(r, s->ack_count + 1);

    if (s->peer == NULL)
        return;
    for (unsigned i = 0; i < count; i++)
        world_ack(s->peer, s->acks[i].type, s->acks[i].packet_id);
    s->ack_count -= count;
    memmove(s->acks, s->acks + count, s->ack_count * sizeof(s->acks[0]));
}

static void connect_subscriber(struct run *r, struct subscriber *s, bool is_first)
{
    if (s->peer != NULL)
        return;
    if (join(r, &s->peer, s->id) == is_first)
        broken(r, is_first ? "a session that is not" : "a session is gone");
    s->ack_count = 0;
}

/* ---- accidents ---- */

static void lose(struct world_peer **peer)
{
    if (*peer != NULL)
        world_break(*peer);
    *peer = NULL;
}

static void crash(struct run *r)
{
    size_t waiting = r->world.disk.count - r->world.confirmed;

    /* What is on its way to a client may still arrive. */
    if (below(r, 2) == 0)
        read_everybody(r);
    world_crash(&r->world, below(r, waiting + 1), 1 + (unsigned)below(r, 4));
    for (unsigned i = 0; i < PUBLISHERS; i++)
        r->publishers[i].peer = NULL;
    for (unsigned i = 0; i < SUBSCRIBERS; i++)
        r->subscribers[i].peer = NULL;
    r->crashes++;
}

/* ---- judging ---- */

static void settle(struct run *r)
{
    for (unsigned round = 0; round < 1000; round++) {
        bool is_busy = false;

        for (unsigned i = 0; i < PUBLISHERS; i++)
            connect_publisher(r, &r->publishers[i], false);
        for (unsigned i = 0; i < SUBSCRIBERS; i++) {
            connect_subscriber(r, &r->subscribers[i], false);
            acknowledge_some(r, &r->subscribers[i]);
        }
        world_run(&r->world);
        world_confirm(&r->world, SIZE_MAX);
        world_run(&r->world);
        read_everybody(r);
        for (unsigned i = 0; i < PUBLISHERS; i++)
            is_busy |= r->publishers[i].count > 0;
        for (unsigned i = 0; i < SUBSCRIBERS; i++)
            is_busy |= r->subscribers[i].ack_count > 0;
        if (!is_busy)
            return;
    }
    broken(r, "it does not come to an end");
}

static void judge(struct run *r)
{
    settle(r);
    for (uint32_t sequence = 0; sequence < r->count; sequence++) {
        const struct message *m = &r->messages[sequence];

        for (unsigned i = 0; i < SUBSCRIBERS; i++) {
            struct subscriber *s = &r->subscribers[i];

            if (s->qos_of[m->topic] >= 0 && s->received[sequence] == 0)
                wrong(r, &r->lost, s->id, sequence);
        }
    }
    r->count = 0;
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        memset(r->subscribers[i].received, 0, sizeof(r->subscribers[i].received));
        memset(r->subscribers[i].last, 0, sizeof(r->subscribers[i].last));
    }
    /* Nothing may be left on the disk of what is over. */
    if (world_disk_things(&r->world.disk, JOURNAL_DELIVERY) > 0
        || world_disk_things(&r->world.disk, JOURNAL_BODY) > 0
        || world_disk_things(&r->world.disk, JOURNAL_PARCEL) > 0
        || world_disk_things(&r->world.disk, JOURNAL_RECEIVED) > 0)
        broken(r, "something is left on disk that nobody needs");
}

/* ---- the run ---- */

static void begin(struct run *r)
{
    char topic[4] = "t/0";

    world_init(&r->world, 1 + (unsigned)below(r, 4), NULL);
    r->world.disk_is_slow = true;
    for (unsigned i = 0; i < PUBLISHERS; i++) {
        snprintf(r->publishers[i].id, sizeof(r->publishers[i].id), "p%u", i);
        connect_publisher(r, &r->publishers[i], true);
    }
    for (unsigned i = 0; i < SUBSCRIBERS; i++) {
        struct subscriber *s = &r->subscribers[i];

        snprintf(s->id, sizeof(s->id), "s%u", i);
        connect_subscriber(r, s, true);
        for (unsigned t = 0; t < TOPICS; t++) {
            topic[2] = (char)('0' + t);
            s->qos_of[t] = (int)below(r, 4) - 1;
            if (s->qos_of[t] == 0)
                s->qos_of[t] = 2;
            r->world.disk_is_slow = false;
            if (s->qos_of[t] > 0)
                world_subscribe(s->peer, topic, (enum mqtt_qos)s->qos_of[t]);
            r->world.disk_is_slow = true;
        }
    }
    world_confirm(&r->world, SIZE_MAX);
}

static void one_step(struct run *r)
{
    size_t chance = below(r, 100);
    unsigned who = (unsigned)below(r, PUBLISHERS);
    unsigned whom = (unsigned)below(r, SUBSCRIBERS);

    if (chance < 45) {
        publish_one(r, who);
    } else if (chance < 60) {
        acknowledge_some(r, &r->subscribers[whom]);
    } else if (chance < 75) {
        world_run(&r->world);
        world_confirm(&r->world, 1 + below(r, 4));
        world_run(&r->world);
    } else if (chance < 82) {
        connect_publisher(r, &r->publishers[who], false);
    } else if (chance < 90) {
        connect_subscriber(r, &r->subscribers[whom], false);
    } else if (chance < 93) {
        lose(chance < 91 ? &r->publishers[who].peer : &r->subscribers[whom].peer);
    } else if (chance < 97) {
        read_everybody(r);
    } else {
        crash(r);
    }
}

int main(int argc, char **argv)
{
    struct run *r = calloc(1, sizeof(*r));

    if (argc != 3 || r == NULL) {
        fprintf(stderr, "usage: crashes CRASHES SEED\n");
        free(r);
        return 2;
    }
    uint64_t crashes = strtoull(argv[1], NULL, 10);
    r->seed = strtoull(argv[2], NULL, 10);
    r->random.state = r->seed * 0x9e3779b97f4a7c15u + 1;
    begin(r);
    while (r->crashes < crashes) {
        one_step(r);
        if (r->count == EPOCH)
            judge(r);
    }
    judge(r);
    printf("%llu crashes, %llu acknowledged, %llu lost, %llu duplicated, %llu reordered\n",
           (unsigned long long)r->crashes, (unsigned long long)r->acknowledged,
           (unsigned long long)r->lost, (unsigned long long)r->duplicated,
           (unsigned long long)r->reordered);
    bool is_good = r->lost + r->duplicated + r->reordered == 0;
    world_fini(&r->world);
    free(r);
    return is_good ? 0 : 1;
}
