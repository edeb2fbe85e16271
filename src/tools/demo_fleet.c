/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/demo_fleet.h"

#include "tools/profile.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#define HOST           "localhost"
#define REPORT_BYTES   16u
#define TURN_MS        20
#define PAUSE_MS       80u /* between two reports, at least */
#define PAUSE_MORE_MS  80u
#define BOT_MESSAGES   10u /* in a turn */
#define BOT_QUESTIONS  2u
#define RECEIVED_BYTES 4096u

/* ---- beginning ---- */

static int make_tls(struct demo_fleet *fleet, struct demo_sensor *sensor)
{
    struct profile profile;

    if (profile_load(sensor->name, &profile) < 0) {
        (void)snprintf(fleet->why, sizeof(fleet->why), "%s has no profile", sensor->name);
        return -1;
    }
    const struct tacit_tls_options options = { .ca_file = profile.ca_file,
                                               .certificate_file = profile.certificate_file,
                                               .key_file = profile.key_file };
    sensor->tls = tacit_tls_new(&options, fleet->why, sizeof(fleet->why));
    return sensor->tls != NULL ? 0 : -1;
}

static int add(struct demo_fleet *fleet, struct demo_broker *broker, struct demo_sensor *sensor)
{
    char port[8];
    char topic[64];
    const char *const words[] = { "device", "add", sensor->name, "--role", "sensor",
                                  "--host", HOST,  "--port",     port,     NULL };

    (void)snprintf(port, sizeof(port), "%u", broker->port);
    (void)snprintf(fleet->why, sizeof(fleet->why), "%s cannot be added", sensor->name);
    if (!demo_broker_tool(broker, words) || make_tls(fleet, sensor) < 0)
        return -1;
    sensor->link.posix = tacit_posix_tls_new(sensor->tls);
    if (sensor->link.posix == NULL)
        return -1;
    sensor->link.transport = tacit_posix_transport(sensor->link.posix);
    sensor->link.version = MQTT_VERSION_5;
    sensor->link.encrypted = true;
    sensor->link.state = BENCH_OPENING;
    (void)snprintf(topic, sizeof(topic), "plant/%s/temperature", sensor->name);
    bench_connection_prepare(&sensor->link, topic, MQTT_QOS_0, 0, 0, REPORT_BYTES);
    return 0;
}

int demo_fleet_open(struct demo_fleet *out, struct demo_broker *broker)
{
    *out = (struct demo_fleet){ .port = broker->port };
    for (unsigned i = 0; i < DEMO_SENSORS; i++) {
        struct demo_sensor *sensor = &out->sensors[i];
        (void)snprintf(sensor->name, sizeof(sensor->name), "sensor-%02u", i + 1);
        if (add(out, broker, sensor) < 0)
            return -1;
        sensor->report_ms = tacit_posix_now_ms() + i;
    }
    return 0;
}

void demo_fleet_close(struct demo_fleet *fleet)
{
    for (unsigned i = 0; i < DEMO_SENSORS; i++) {
        bench_connection_fini(&fleet->sensors[i].link);
        tacit_tls_free(fleet->sensors[i].tls);
    }
}

/* ---- a sensor's turn ---- */

static void lose(struct bench_connection *link)
{
    link->transport.close(link->transport.context);
    link->out.len = 0;
    link->state = BENCH_OPENING;
}

static void open_link(struct demo_sensor *sensor, uint16_t port)
{
    struct bench_connection *link = &sensor->link;
    const struct tacit_bytes host = { HOST, strlen(HOST) };
    int status = link->transport.open(link->transport.context, host, port);

    if (status == TACIT_AGAIN)
        return;
    if (status != TACIT_OK) {
        lose(link);
        return;
    }
    link->state = BENCH_CONNECTING;
    bench_connection_hello(link, sensor->name, NULL, NULL);
}

static void receive(struct bench_connection *link)
{
    uint8_t buffer[RECEIVED_BYTES];
    int got;

    do {
        got = link->transport.receive(link->transport.context, buffer, sizeof(buffer));
        if (got > 0)
            link->state = BENCH_READY;
    } while (got > 0);
    if (got < 0)
        lose(link);
}

static void misbehave(struct demo_sensor *sensor)
{
    char topic[64];

    for (unsigned i = 0; i < BOT_MESSAGES; i++)
        bench_connection_publish(&sensor->link);
    for (unsigned i = 0; i < BOT_QUESTIONS; i++) {
        (void)snprintf(topic, sizeof(topic), "plant/%u/commands", sensor->asked);
        bench_connection_subscribe(&sensor->link, topic, MQTT_QOS_0, ++sensor->asked);
    }
}

/* Never quite the same: whoever reports exactly once in a window has a window with two of them as
 * soon as the machine is busy. */
static uint64_t pause_of(struct demo_sensor *sensor)
{
    return PAUSE_MS + (sensor->reports++ * 37u + (unsigned)sensor->name[7] * 17u) % PAUSE_MORE_MS;
}

static void act(struct demo_sensor *sensor, uint64_t now_ms)
{
    if (sensor->link.state != BENCH_READY || sensor->link.out.len > RECEIVED_BYTES)
        return;
    if (sensor->is_bot)
        misbehave(sensor);
    if (now_ms < sensor->report_ms)
        return;
    bench_connection_publish(&sensor->link);
    sensor->report_ms = now_ms + pause_of(sensor);
}

static void turn(struct demo_sensor *sensor, uint16_t port, uint64_t now_ms)
{
    if (sensor->link.state == BENCH_OPENING) {
        open_link(sensor, port);
        return;
    }
    receive(&sensor->link);
    if (sensor->link.state == BENCH_OPENING)
        return;
    act(sensor, now_ms);
    if (!bench_connection_flush(&sensor->link))
        lose(&sensor->link);
}

void demo_fleet_turn(struct demo_fleet *fleet)
{
    uint64_t now_ms = tacit_posix_now_ms();

    for (unsigned i = 0; i < DEMO_SENSORS; i++)
        turn(&fleet->sensors[i], fleet->port, now_ms);
    (void)poll(NULL, 0, TURN_MS);
}

unsigned demo_fleet_count_ready(const struct demo_fleet *fleet)
{
    unsigned count = 0;

    for (unsigned i = 0; i < DEMO_SENSORS; i++)
        count += fleet->sensors[i].link.state == BENCH_READY ? 1 : 0;
    return count;
}
