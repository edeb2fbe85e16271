/* SPDX-License-Identifier: Apache-2.0 */
/* Device number i publishes, device number i + 1 gets it. Messages and probes are due by a plan
 * that does not wait for the broker, and every wait counts from when it was due. */
#include "bench/siege/siege.h"

#include "bench/siege/device.h"
#include "bench/siege/input.h"
#include "bench/siege/samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#define DEVICES_FIRST   0x7f010001u /* 127.1.0.1: an address of its own for each device */
#define PROBES_FIRST    0x7f400001u /* 127.64.0.1: and for each probe a network that was never seen */
#define PROBES_NETWORKS 16384u
#define NETWORK         256u /* addresses of a /24 */
#define ARRIVING_MOST   32u
#define PHASES_MOST     8u
#define PATIENCE_S      60.0 /* until all devices are here */
#define DRAIN_S         10.0 /* until all that was sent has come, at the end */
#define PROBE_MOST_S    10.0 /* then it has failed */
#define PROBE_RETRY_S   0.05
#define TURN_S          0.001 /* the longest wait */
#define EVENTS_PER_TURN 256
#define FILLER          0x5a

/* What was due, from when it began. */
struct phase {
    char name[16];
    uint64_t sent;
    uint64_t unsent; /* of them, those that the device could not send */
    uint64_t received;
    uint64_t probes_failed;
    uint64_t probe_retries;
    struct samples late; /* until what was due was sent: by this program's fault */
    struct samples delivery;
    struct samples connect;
};

/* What one device publishes, as the other gets it. */
struct stream {
    uint32_t sent;
    uint32_t next; /* sequence number that is expected next */
};

struct probe {
    struct device device;
    uint32_t address;
    bool is_due;    /* it has to get in */
    double due_s;   /* since when */
    double retry_s; /* not before */
    unsigned phase;
};

struct honest {
    const struct honest_options *options;
    struct device_events events;
    struct device_events probe_events;
    struct device_way way;
    struct device *devices;
    struct stream *streams;
    struct probe *probes;
    struct phase phases[PHASES_MOST];
    unsigned phase; /* the present one */
    unsigned begun; /* devices that have begun to arrive */
    unsigned here;
    uint64_t dropped; /* devices that had been here */
    uint64_t acked;
    uint64_t twice; /* delivered again, or after a later one */
    double plan_s;  /* when the plan began */
    uint64_t messages;
    uint64_t probed;
};

/* ---- messages ---- */

struct stamp {
    uint32_t stream;
    uint32_t sequence;
    uint32_t phase;
    double due_s;
};

static void send_due(struct honest *honest, double due_s)
{
    uint8_t payload[DEVICE_PAYLOAD_BYTES];
    unsigned number = (unsigned)(honest->messages++ % honest->options->devices);
    struct phase *phase = &honest->phases[honest->phase];
    const struct stamp stamp = { .stream = number,
                                 .sequence = honest->streams[number].sent++,
                                 .phase = honest->phase,
                                 .due_s = due_s };

    memset(payload, FILLER, sizeof(payload));
    memcpy(payload, &stamp, sizeof(stamp));
    phase->sent++;
    samples_add(&phase->late, (now_s() - due_s) * 1000);
    if (!device_publish(&honest->devices[number], payload))
        phase->unsent++;
}

static void on_message(void *context, struct device *device, struct mqtt_span payload)
{
    struct honest *honest = context;
    struct stamp stamp;

    memcpy(&stamp, payload.data, sizeof(stamp));
    must(stamp.stream == device->subscribes_to && stamp.phase < PHASES_MOST
             && payload.data[payload.len - 1] == FILLER,
         "a message as it was sent, to whom it was for");
    struct stream *stream = &honest->streams[stamp.stream];
    if (stamp.sequence < stream->next) {
        honest->twice++;
        return;
    }
    stream->next = stamp.sequence + 1;
    honest->phases[stamp.phase].received++;
    samples_add(&honest->phases[stamp.phase].delivery, (now_s() - stamp.due_s) * 1000);
}

static void on_acked(void *context, struct device *device)
{
    struct honest *honest = context;

    (void)device;
    honest->acked++;
}

static void on_here(void *context, struct device *device)
{
    struct honest *honest = context;

    (void)device;
    honest->here++;
}

static void on_away(void *context, struct device *device)
{
    struct honest *honest = context;

    (void)device;
    must(honest->plan_s > 0, "every device is let in");
    honest->dropped++;
}

/* ---- probes ---- */

static void probe_arrive(struct honest *honest, struct probe *probe)
{
    struct device_way way = honest->way;

    way.ends.address = probe->address;
    probe->retry_s = now_s() + PROBE_RETRY_S;
    if (!device_arrive(&probe->device, &way))
        honest->phases[probe->phase].probe_retries++;
}

/* The next probe that is not under way; if all are, one more has failed. */
static void probe_due(struct honest *honest, double due_s)
{
    struct probe *probe = &honest->probes[honest->probed % honest->options->probes];

    honest->probed++;
    if (probe->is_due) {
        honest->phases[honest->phase].probes_failed++;
        return;
    }
    probe->is_due = true;
    probe->due_s = due_s;
    probe->phase = honest->phase;
    probe->address = PROBES_FIRST + (uint32_t)(honest->probed % PROBES_NETWORKS) * NETWORK;
    probe_arrive(honest, probe);
}

static void probe_over(struct honest *honest, struct probe *probe)
{
    double took_s = now_s() - probe->due_s;
    struct phase *phase = &honest->phases[probe->phase];

    probe->is_due = false;
    phase->probes_failed += took_s >= PROBE_MOST_S;
    samples_add(&phase->connect, (took_s < PROBE_MOST_S ? took_s : PROBE_MOST_S) * 1000);
}

static void on_probe_here(void *context, struct device *device)
{
    probe_over(context, MQTT_CONTAINER_OF(device, struct probe, device));
    device_leave(device);
}

static void on_probe_away(void *context, struct device *device)
{
    struct honest *honest = context;
    struct probe *probe = MQTT_CONTAINER_OF(device, struct probe, device);

    honest->phases[probe->phase].probe_retries++;
    probe->retry_s = now_s() + PROBE_RETRY_S;
}

static void look_at_probes(struct honest *honest, double now)
{
    for (unsigned i = 0; i < honest->options->probes; i++) {
        struct probe *probe = &honest->probes[i];

        if (!probe->is_due)
            continue;
        if (now - probe->due_s >= PROBE_MOST_S) {
            device_drop(&probe->device);
            probe_over(honest, probe);
        } else if (probe->device.state == DEVICE_AWAY && now >= probe->retry_s) {
            probe_arrive(honest, probe);
        }
    }
}

/* ---- time ---- */

/* Waits until `until_s` for what comes, and no longer: the plan is kept to the microsecond. */
static void turn(struct honest *honest, double until_s)
{
    struct epoll_event events[EVENTS_PER_TURN];
    double wait_s = until_s - now_s();
    const struct timespec wait = { .tv_nsec = wait_s > 0 ? (long)(wait_s * 1e9) : 0 };
    int count = epoll_pwait2(honest->way.epoll, events, EVENTS_PER_TURN, &wait, NULL);

    must(count >= 0 || errno == EINTR, "epoll");
    for (int i = 0; i < count; i++)
        device_step(events[i].data.ptr);
}

/* All devices, some at a time. */
static void gather(struct honest *honest)
{
    double end = now_s() + PATIENCE_S;

    while (honest->here < honest->options->devices) {
        must(now_s() < end, "all devices are here");
        while (honest->begun < honest->options->devices
               && honest->begun - honest->here < ARRIVING_MOST) {
            struct device_way way = honest->way;

            way.ends.address = DEVICES_FIRST + honest->begun;
            must(device_arrive(&honest->devices[honest->begun], &way), "a connection");
            honest->begun++;
        }
        turn(honest, now_s() + TURN_S);
    }
}

/* Does what is due. When the next message is. */
static double follow_plan(struct honest *honest, double now)
{
    const struct honest_options *options = honest->options;
    double due = honest->plan_s + (double)honest->messages / options->per_s;
    double probe_due_s = honest->plan_s + (double)honest->probed * options->probe_every_s;

    for (; due <= now; due = honest->plan_s + (double)honest->messages / options->per_s)
        send_due(honest, due);
    for (; probe_due_s <= now; probe_due_s += options->probe_every_s)
        probe_due(honest, probe_due_s);
    look_at_probes(honest, now);
    return due;
}

/* Until the input ends. Phase 0 is what comes before the first that has a name. */
static void run_phases(struct honest *honest)
{
    char line[16];
    enum input input = INPUT_NOTHING;

    honest->plan_s = now_s();
    while (input != INPUT_ENDED) {
        input = input_line(line, sizeof(line));
        if (input == INPUT_LINE) {
            must(honest->phase + 1 < PHASES_MOST, "few phases");
            honest->phase++;
            memcpy(honest->phases[honest->phase].name, line, sizeof(line));
        }
        double now = now_s();
        double due = follow_plan(honest, now);
        turn(honest, due < now + TURN_S ? due : now + TURN_S);
    }
}

static uint64_t missing(const struct honest *honest)
{
    uint64_t count = 0;

    for (unsigned i = 0; i <= honest->phase; i++)
        count += honest->phases[i].sent - honest->phases[i].received;
    return count;
}

static bool is_probing(const struct honest *honest)
{
    for (unsigned i = 0; i < honest->options->probes; i++) {
        if (honest->probes[i].is_due)
            return true;
    }
    return false;
}

static bool is_drained(const struct honest *honest)
{
    return missing(honest) == 0 && honest->acked == honest->messages && !is_probing(honest);
}

static void drain(struct honest *honest)
{
    for (double end = now_s() + DRAIN_S; now_s() < end && !is_drained(honest);) {
        look_at_probes(honest, now_s());
        turn(honest, now_s() + TURN_S);
    }
}

/* ---- all of it ---- */

static void prepare(struct honest *honest)
{
    const struct honest_options *options = honest->options;

    honest->events = (struct device_events){ on_here, on_message, on_acked, on_away, honest };
    honest->probe_events =
        (struct device_events){ on_probe_here, on_message, on_acked, on_probe_away, honest };
    honest->way = (struct device_way){ .epoll = epoll_create1(EPOLL_CLOEXEC),
                                       .ends.port = options->port,
                                       .context = line_context(false),
                                       .folder = options->folder };
    honest->devices = calloc(options->devices, sizeof(*honest->devices));
    honest->streams = calloc(options->devices, sizeof(*honest->streams));
    honest->probes = calloc(options->probes, sizeof(*honest->probes));
    must(honest->way.epoll >= 0 && honest->devices != NULL && honest->streams != NULL
             && honest->probes != NULL,
         "memory");
    for (unsigned i = 0; i < options->devices; i++) {
        honest->devices[i].number = i;
        honest->devices[i].qos = MQTT_QOS_1;
        honest->devices[i].subscribes_to = (i + options->devices - 1) % options->devices;
        honest->devices[i].events = &honest->events;
    }
    for (unsigned i = 0; i < options->probes; i++) {
        honest->probes[i].device.number = options->devices + i;
        honest->probes[i].device.qos = MQTT_QOS_1;
        honest->probes[i].device.subscribes_to = DEVICE_NOBODY;
        honest->probes[i].device.events = &honest->probe_events;
    }
}

static void print_report(struct honest *honest)
{
    printf("{\"devices\": %u, \"sent\": %lu, \"acked\": %lu, \"lost\": %lu, \"twice\": %lu, "
           "\"dropped\": %lu, \"phases\": {",
           honest->options->devices, honest->messages, honest->acked, missing(honest),
           honest->twice, honest->dropped);
    for (unsigned i = 1; i <= honest->phase; i++) {
        struct phase *phase = &honest->phases[i];

        printf("%s\"%s\": {\"sent\": %lu, \"unsent\": %lu, \"received\": %lu, "
               "\"probes_failed\": %lu, \"probe_retries\": %lu, ",
               i > 1 ? ", " : "", phase->name, phase->sent, phase->unsent, phase->received,
               phase->probes_failed, phase->probe_retries);
        samples_print(&phase->late, "late_ms");
        printf(", ");
        samples_print(&phase->delivery, "delivery_ms");
        printf(", ");
        samples_print(&phase->connect, "connect_ms");
        printf("}");
    }
    printf("}}\n");
}

int honest_run(const struct honest_options *options)
{
    struct honest honest = { .options = options };

    prepare(&honest);
    gather(&honest);
    puts("ready");
    fflush(stdout);
    run_phases(&honest);
    drain(&honest);
    print_report(&honest);
    return 0; /* the system closes what is open, and frees what is held */
}
