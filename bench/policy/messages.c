/* SPDX-License-Identifier: Apache-2.0 */
/* bench-messages ROUNDS [observe]: nanoseconds of CPU per message that goes through a shard, without
 * the kernel: 100 devices publish to four topics each again and again, one reader has each of them.
 * The role has twenty grants and two denials. With `observe` the behaviour of all of them is watched
 * (sense { }), after it was learned. Prints one number per round. */
#include "codec/connect.h"
#include "codec/publish.h"
#include "codec/subscribe.h"
#include "core/broker.h"
#include "core/sensing.h"
#include "core/shared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define PAIRS         100
#define TOPICS        4
#define BURST         16 /* messages per receive */
#define TURNS         400
#define TURN_MS       100  /* of the broker's time */
#define LEARN_TURNS   1500 /* 720 windows of devices in each of three phases, and some more */
#define PACKET_BYTES  256
#define PAGE_BYTES    4096u
#define LINE_BYTES    64u
#define NS_PER_SECOND 1000000000.0

struct wire {
    struct client *client;
    char device[32];
};

static struct broker *broker;
static struct policy *policy;
static struct wire publishers[PAIRS];
static struct wire readers[PAIRS];
static uint64_t now_ms = 1000;

static void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "bench-messages: %s\n", what);
    exit(1);
}

static void on_wake(void *transport)
{
    (void)transport;
}

static void on_close(void *transport, struct client *client)
{
    (void)transport;
    (void)client;
    must(false, "a client was closed");
}

static enum admission on_decide(void *context, const struct admission_request *request,
                                struct admission_answer *out)
{
    const struct wire *wire = request->facts;

    (void)context;
    out->identity = (struct identity){
        .device = wire->device, .site = "hall", .role = "fleet", .proved = true
    };
    out->role = policy_find(policy, &out->identity);
    return ADMISSION_ALLOW;
}

static void make_policy(void)
{
    const struct role_options options = {
        .terms = { .maximum_qos = 2, .retain = true, .payload_bytes = POLICY_NO_LIMIT },
    };
    const char *why = "";

    policy = policy_new();
    must(policy != NULL, "out of memory");
    struct role *role = policy_add_role(policy, "fleet", &options);
    must(role != NULL, "out of memory");
    for (unsigned i = 0; i < 20; i++) {
        char pattern[64];
        snprintf(pattern, sizeof(pattern), "site/%%{site}/%%{device}/channel%02u", i);
        must(role_grant(role, POLICY_PUBLISH, pattern, &why) == 0, why);
        must(role_grant(role, POLICY_SUBSCRIBE, pattern, &why) == 0, why);
    }
    must(role_deny(role, POLICY_PUBLISH, "site/+/+/secret", &why) == 0, why);
    must(role_deny(role, POLICY_SUBSCRIBE, "site/+/+/secret", &why) == 0, why);
    policy_seal(policy);
}

static void send_all(struct wire *wire, const uint8_t *bytes, size_t len)
{
    bool gone = false;
    size_t used = client_receive(wire->client, (struct mqtt_span){ bytes, len }, now_ms, &gone);

    must(used == len && !gone, "a packet was not taken");
}

static size_t drain(struct wire *wire)
{
    struct outbox *outbox = client_outbox(wire->client);
    size_t bytes = outbox->bytes;

    outbox_clear(outbox, broker_outbox_pools(broker));
    client_sent(wire->client, now_ms);
    return bytes;
}

static void connect_one(struct wire *wire, const char *client_id)
{
    uint8_t memory[PACKET_BYTES];
    struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
    const struct mqtt_connect connect = {
        .version = MQTT_VERSION_5,
        .clean_start = true,
        .client_id = span_of(client_id),
    };

    wire->client = client_open(broker, wire, wire, now_ms, now_ms);
    must(wire->client != NULL, "no client");
    mqtt_connect_encode(&w, &connect);
    send_all(wire, memory, mqtt_writer_written(&w).len);
    drain(wire);
}

static void name_topic(char out[64], const char *device, unsigned topic)
{
    snprintf(out, 64, "site/hall/%s/channel%02u", device, topic * 5 + 4);
}

/* The reader of a pair has the device's name too: one certificate, two client ids. */
static void open_pair(unsigned i)
{
    char id[48];
    char topic[64];
    uint8_t memory[PACKET_BYTES];

    snprintf(publishers[i].device, sizeof(publishers[i].device), "device%04u", i);
    memcpy(readers[i].device, publishers[i].device, sizeof(readers[i].device));
    connect_one(&publishers[i], publishers[i].device);
    snprintf(id, sizeof(id), "%s-reader", publishers[i].device);
    connect_one(&readers[i], id);
    for (unsigned t = 0; t < TOPICS; t++) {
        struct mqtt_writer w = mqtt_writer_over(memory, sizeof(memory));
        name_topic(topic, publishers[i].device, t);
        const struct mqtt_subscription entry = { .filter = span_of(topic) };
        mqtt_subscribe_encode(&w, MQTT_VERSION_5, 1, (struct mqtt_span){ 0 }, &entry, 1);
        send_all(&readers[i], memory, mqtt_writer_written(&w).len);
        drain(&readers[i]);
    }
}

struct burst {
    uint8_t bytes[BURST * PACKET_BYTES];
    size_t len;
};

static struct burst *bursts;

/* Where things lie in their pages decides on some nanoseconds, and would be the same each time: by chance
 * it is another place in every process. */
static void *somewhere(size_t bytes)
{
    uint16_t chance = 0;

    must(getrandom(&chance, sizeof(chance), 0) == sizeof(chance), "no random numbers");
    uint8_t *memory = calloc(1, bytes + PAGE_BYTES);
    must(memory != NULL, "out of memory");
    return memory + chance % (PAGE_BYTES / LINE_BYTES) * LINE_BYTES;
}

static void make_burst(unsigned i)
{
    static const char payload[64] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde";
    char topic[64];
    uint8_t *at = bursts[i].bytes;

    for (unsigned n = 0; n < BURST; n++) {
        name_topic(topic, publishers[i].device, n % TOPICS);
        const struct mqtt_publish_out publish = {
            .topic = span_of(topic),
            .payload = { (const uint8_t *)payload, sizeof(payload) },
        };
        at = mqtt_publish_write(at, MQTT_VERSION_5, &publish, NULL);
    }
    bursts[i].len = (size_t)(at - bursts[i].bytes);
}

static double cpu_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * NS_PER_SECOND + (double)now.tv_nsec;
}

static double measure(unsigned turns)
{
    double begin = cpu_ns();

    for (unsigned turn = 0; turn < turns; turn++) {
        now_ms += TURN_MS;
        broker_advance(broker, now_ms);
        for (unsigned i = 0; i < PAIRS; i++) {
            send_all(&publishers[i], bursts[i].bytes, bursts[i].len);
            must(drain(&readers[i]) > BURST * 64, "messages are missing");
        }
    }
    return (cpu_ns() - begin) / ((double)turns * PAIRS * BURST);
}

static void open_broker(void)
{
    const struct siphash_key key = { 11, 13 };
    struct broker_options options = {
        .limits = limits_default(),
        .hash_key = key,
        .shard_count = 1,
        .shared = shared_new(&key, NULL, 1),
        .ports = {
            .transport = { on_wake, on_close },
            .admission = { .decide = on_decide },
        },
    };

    must(options.shared != NULL, "out of memory");
    broker = broker_new(&options, 1000);
    must(broker != NULL, "out of memory");
}

static void on_tell(void *context, const struct sensing_notice *notice)
{
    (void)context;
    (void)notice;
    must(false, "steady traffic is told as something else");
}

static void observe(void)
{
    const struct sensing_options options = {
        .is_on = true,
        .key = { 17, 19 },
        .port = { .tell = on_tell },
    };

    must(sensing_set(broker, &options, now_ms), "out of memory");
}

int main(int argc, char **argv)
{
    long rounds = argc >= 2 ? strtol(argv[1], NULL, 10) : 0;
    bool observes = argc == 3 && strcmp(argv[2], "observe") == 0;

    if (rounds < 1 || argc > 3 || (argc == 3 && !observes)) {
        fputs("usage: bench-messages ROUNDS [observe]\n", stderr);
        return 2;
    }
    bursts = somewhere(PAIRS * sizeof(*bursts));
    make_policy();
    (void)somewhere(1);
    open_broker();
    if (observes)
        observe();
    for (unsigned i = 0; i < PAIRS; i++) {
        open_pair(i);
        make_burst(i);
    }
    measure(observes ? LEARN_TURNS : TURNS / 10);
    for (long round = 0; round < rounds; round++)
        printf("%.3f\n", measure(TURNS));
    return 0;
}
