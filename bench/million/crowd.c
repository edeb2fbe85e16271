/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/million/crowd.h"

#include "base/attrs.h"
#include "bench/ground.h"
#include "codec/ack.h"
#include "codec/connect.h"
#include "codec/frame.h"
#include "codec/publish.h"
#include "codec/subscribe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PACKET_BYTES 4096
#define VERSION      MQTT_VERSION_3_1_1
#define GRANTS       10
#define FAILURE      0x80 /* of a SUBACK */
#define PHASE_S      15   /* so that everybody is looked at in each phase of learning */

static const struct siphash_key crowd_key = { 11, 13 };

/* ---- ports ---- */

static void on_wake(void *transport)
{
    struct person *person = transport;
    struct crowd *crowd = person->crowd;

    if (person->is_awake)
        return;
    person->is_awake = true;
    crowd->awake[crowd->awake_count++] = person;
}

static void on_close(void *transport, struct client *client)
{
    struct person *person = transport;

    if (person->client == client)
        person->client = NULL;
}

static enum admission on_decide(void *context, const struct admission_request *request,
                                struct admission_answer *out)
{
    const struct crowd *crowd = context;

    (void)request;
    out->identity = (struct identity){
        .device = crowd->device, .site = crowd->site, .role = "fleet", .proved = true
    };
    out->role = policy_find(crowd->policy, &out->identity);
    return ADMISSION_ALLOW;
}

static void on_find_standing(void *context, const struct identity *identity, struct standing *out)
{
    const struct crowd *crowd = context;

    *out = (struct standing){ .role = policy_find(crowd->policy, identity) };
}

/* ---- life ---- */

static struct policy *make_policy(unsigned grants)
{
    const struct role_options options = {
        .terms = { .maximum_qos = 2, .retain = true, .payload_bytes = POLICY_NO_LIMIT },
    };
    const char *why = "";
    char pattern[64];
    struct policy *policy = policy_new();
    must(policy != NULL, "out of memory");
    struct role *role = policy_add_role(policy, "fleet", &options);

    must(role != NULL, "out of memory");
    for (unsigned i = 0; i < grants; i++) {
        (void)snprintf(pattern, sizeof(pattern), "site/%%{site}/+/in%02u", i);
        must(role_grant(role, POLICY_PUBLISH, pattern, &why) == 0, why);
        (void)snprintf(pattern, sizeof(pattern), "site/%%{site}/%%{device}/in%02u", i);
        must(role_grant(role, POLICY_SUBSCRIBE, pattern, &why) == 0, why);
    }
    must(role_deny(role, POLICY_PUBLISH, "site/+/+/secret", &why) == 0, why);
    policy_seal(policy);
    return policy;
}

void crowd_open(struct crowd *crowd, size_t count, struct disk *disk)
{
    *crowd = (struct crowd){ .count = count, .disk = disk, .now_ms = CROWD_START_MS };
    crowd->people = calloc(count, sizeof(*crowd->people));
    crowd->awake = calloc(count, sizeof(struct person *));
    crowd->policy = make_policy(GRANTS);
    crowd->shared = shared_new(&crowd_key, NULL, 1);
    must(crowd->people != NULL && crowd->awake != NULL && crowd->shared != NULL, "out of memory");
    for (size_t i = 0; i < count; i++)
        crowd->people[i].crowd = crowd;
    struct broker_options options = {
        .limits = limits_default(),
        .hash_key = crowd_key,
        .shard_count = 1,
        .shared = crowd->shared,
        .wall_ms = (int64_t)time(NULL) * 1000,
        .ports = {
            .transport = { .wake = on_wake, .close = on_close },
            .admission = { .context = crowd,
                           .decide = on_decide,
                           .find_standing = on_find_standing },
        },
    };
    if (disk != NULL)
        options.ports.journal = disk_port(disk);
    options.limits.connections = count + 1;
    options.limits.sessions = count;
    options.limits.sense_devices = count;
    crowd->broker = broker_new(&options, crowd->now_ms);
    must(crowd->broker != NULL, "out of memory");
}

static void on_tell(void *context, const struct sensing_notice *notice)
{
    struct crowd *crowd = context;

    (void)notice;
    crowd->alarms++;
}

static void on_entered(void *context, const char *role, enum sense_phase phase)
{
    struct crowd *crowd = context;

    (void)role;
    crowd->phase = phase;
}

void crowd_observe(struct crowd *crowd)
{
    const struct sensing_options options = {
        .is_on = true,
        .phases = { PHASE_S, PHASE_S, PHASE_S },
        .key = { 17, 19 },
        .port = { .context = crowd, .tell = on_tell, .entered = on_entered },
    };

    must(sensing_set(crowd->broker, &options, crowd->now_ms), "out of memory");
}

void crowd_close(struct crowd *crowd)
{
    broker_abandon(crowd->broker);
    for (size_t i = 0; i < crowd->count; i++)
        if (crowd->people[i].client != NULL)
            client_lost(crowd->people[i].client, crowd->now_ms);
    broker_free(crowd->broker);
    shared_free(crowd->shared);
    policy_unref(crowd->policy);
    free(crowd->people);
    free(crowd->awake);
}

void crowd_advance(struct crowd *crowd, uint64_t ms)
{
    crowd->now_ms += ms;
    if (broker_next_ms(crowd->broker) <= crowd->now_ms)
        broker_advance(crowd->broker, crowd->now_ms);
}

void crowd_change_policy(struct crowd *crowd)
{
    struct policy *before = crowd->policy;

    crowd->policy = make_policy(GRANTS + 1);
    broker_policy_changed(crowd->broker, crowd->now_ms);
    policy_unref(before);
}

/* ---- what the broker sends ---- */

static void send_bytes(struct crowd *crowd, struct person *person, struct mqtt_span bytes)
{
    bool gone = false;
    size_t used = client_receive(person->client, bytes, crowd->now_ms, &gone);

    must(!gone, "a client was closed");
    must(used == bytes.len, "a packet was not taken");
}

static void send_written(struct crowd *crowd, size_t who, const struct mqtt_writer *w)
{
    send_bytes(crowd, &crowd->people[who], mqtt_writer_written(w));
}

static void acknowledge(struct crowd *crowd, struct person *person, uint16_t packet_id)
{
    uint8_t memory[8];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    mqtt_ack_encode(&w, VERSION, MQTT_PUBACK, &(struct mqtt_ack){ .packet_id = packet_id });
    send_bytes(crowd, person, mqtt_writer_written(&w));
}

static void on_publish(struct crowd *crowd, struct person *person, const struct mqtt_frame *frame)
{
    struct mqtt_publish publish;

    must(mqtt_publish_decode(VERSION, frame->flags, frame->body, &publish) == MQTT_OK,
         "a PUBLISH is broken");
    crowd->taken++;
    if (publish.qos == MQTT_QOS_1)
        acknowledge(crowd, person, publish.packet_id);
}

static void on_packet(struct crowd *crowd, struct person *person, const struct mqtt_frame *frame)
{
    const uint8_t *body = frame->body.data;

    if (frame->type == MQTT_PUBLISH)
        on_publish(crowd, person, frame);
    else if (frame->type == MQTT_PUBACK)
        crowd->answers++;
    else if (frame->type == MQTT_SUBACK)
        must(body[frame->body.len - 1] < FAILURE, "a subscription was refused");
    else if (frame->type == MQTT_CONNACK) {
        must(body[1] == 0, "a CONNECT was refused");
        crowd->has_session = body[0] != 0;
    }
}

/* A packet lies in one chunk, and chunks end with a packet. */
static void take_packets(struct crowd *crowd, struct person *person, struct mqtt_span span)
{
    uint8_t bytes[OUTBOX_LARGE_BYTES];
    struct mqtt_frame frame;

    must(span.len <= sizeof(bytes), "a packet is too long");
    memcpy(bytes, span.data, span.len);
    span.data = bytes;
    outbox_consume(client_outbox(person->client), broker_outbox_pools(crowd->broker), span.len);
    while (span.len > 0 && person->client != NULL) {
        must(mqtt_frame_decode(span, sizeof(bytes), &frame) == MQTT_OK, "a packet is broken");
        span.data += frame.len;
        span.len -= frame.len;
        on_packet(crowd, person, &frame);
    }
}

void crowd_take(struct crowd *crowd)
{
    struct mqtt_span span;

    while (crowd->awake_count > 0) {
        struct person *person = crowd->awake[--crowd->awake_count];
        person->is_awake = false;
        while (person->client != NULL && outbox_peek(client_outbox(person->client), &span, 1) > 0)
            take_packets(crowd, person, span);
        if (person->client != NULL)
            client_sent(person->client, crowd->now_ms);
    }
}

/* ---- what people send ---- */

struct mqtt_span crowd_topic(char *memory, size_t who, unsigned channel)
{
    int len = snprintf(memory, CROWD_NAME_BYTES, "site/s%05zu/d%07zu/in%02u", who / CROWD_SITE, who,
                       channel);

    return (struct mqtt_span){ (const uint8_t *)memory, (size_t)len };
}

void crowd_connect(struct crowd *crowd, size_t who, bool kept)
{
    uint8_t memory[PACKET_BYTES];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
    struct person *person = &crowd->people[who];

    (void)snprintf(crowd->device, sizeof(crowd->device), "d%07zu", who);
    (void)snprintf(crowd->site, sizeof(crowd->site), "s%05zu", who / CROWD_SITE);
    mqtt_connect_encode(&w, &(struct mqtt_connect){ .version = VERSION,
                                                    .clean_start = !kept,
                                                    .keep_alive_s = CROWD_KEEP_ALIVE,
                                                    .client_id = span_of(crowd->device) });
    person->client = client_open(crowd->broker, person, crowd, crowd->now_ms, crowd->now_ms);
    must(person->client != NULL, "no client");
    send_written(crowd, who, &w);
}

void crowd_lose(struct crowd *crowd, size_t who)
{
    client_lost(crowd->people[who].client, crowd->now_ms);
    crowd->people[who].client = NULL;
}

void crowd_subscribe(struct crowd *crowd, size_t who, unsigned channels, unsigned qos)
{
    uint8_t memory[PACKET_BYTES];
    char topics[GRANTS][CROWD_NAME_BYTES];
    struct mqtt_subscription entries[GRANTS];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));

    must(channels <= GRANTS, "so many channels are not granted");
    for (unsigned i = 0; i < channels; i++)
        entries[i] = (struct mqtt_subscription){ .filter = crowd_topic(topics[i], who, i),
                                                 .qos = (enum mqtt_qos)qos };
    mqtt_subscribe_encode(&w, VERSION, 1, (struct mqtt_span){ 0 }, entries, channels);
    send_written(crowd, who, &w);
}

void crowd_publish(struct crowd *crowd, size_t from, size_t to, unsigned channel, unsigned qos)
{
    static const uint8_t payload[64] = "64 bytes of what a thing has to say to another thing";
    uint8_t memory[PACKET_BYTES];
    char topic[CROWD_NAME_BYTES];
    const struct mqtt_publish_out publish = {
        .qos = (enum mqtt_qos)qos,
        .packet_id = qos > 0 ? 1 : 0,
        .topic = crowd_topic(topic, to, channel),
        .payload = { payload, sizeof(payload) },
    };
    const uint8_t *end = mqtt_publish_write(memory, VERSION, &publish, NULL);

    send_bytes(crowd, &crowd->people[from], (struct mqtt_span){ memory, (size_t)(end - memory) });
}

void crowd_ping(struct crowd *crowd, size_t who)
{
    static const uint8_t ping[] = { MQTT_PINGREQ << 4, 0 };

    send_bytes(crowd, &crowd->people[who], (struct mqtt_span){ ping, sizeof(ping) });
}
