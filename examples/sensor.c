/* SPDX-License-Identifier: Apache-2.0 */
/* A sensor: measures, queues, and never waits for the network.
 *
 *   sensor ... COUNT EVERY_MS
 *
 * publishes COUNT readings to devices/NAME/telemetry/temperature with QoS 1, one each EVERY_MS, and
 * ends when the server has all of them. While there is no connection they wait in the queue; when
 * the queue is full the sensor keeps its reading and tries again. */
#include "device.h"

#include <stdio.h>
#include <stdlib.h>

struct sensor {
    struct device device;
    char topic[DEVICE_TOPIC_SIZE];
    unsigned long count;
    unsigned long queued;
    unsigned long delivered;
    uint64_t every_ms;
    uint64_t next_ms;
};

/* Where a driver would read its register. */
static int measure(char *out, size_t size, unsigned long number)
{
    return snprintf(out, size, "%lu %lu.%lu", number, 20 + number % 5, number % 10);
}

/* One reading, when it is time. */
static void work(struct sensor *sensor)
{
    char reading[48];
    uint64_t now_ms = tacit_posix_now_ms();
    if (sensor->queued == sensor->count || now_ms < sensor->next_ms)
        return;
    struct tacit_message message = {
        .topic = device_topic(&sensor->device, sensor->topic, "telemetry/temperature"),
        .payload = { reading, (size_t)measure(reading, sizeof(reading), sensor->queued) },
        .qos = 1,
    };
    /* TACIT_FULL is no failure: this reading is tried again at the next turn. */
    if (tacit_publish(sensor->device.client, &message, NULL) != TACIT_OK)
        return;
    sensor->queued++;
    sensor->next_ms = now_ms + sensor->every_ms;
}

static bool take(struct sensor *sensor, const struct tacit_event *event)
{
    if (event->type == TACIT_EVENT_UP)
        (void)printf("connected\n");
    if (event->type == TACIT_EVENT_DELIVERED)
        (void)printf("delivered %lu\n", sensor->delivered++);
    if (event->type == TACIT_EVENT_REJECTED)
        (void)fprintf(stderr, "refused: %s\n", tacit_reason_text(event->reason));
    return event->type != TACIT_EVENT_REJECTED;
}

int main(int count, char **arguments)
{
    static struct sensor sensor;
    bool well = true;
    (void)count;
    if (!device_read(&sensor.device, arguments, "COUNT EVERY_MS"))
        return 2;
    char **rest = sensor.device.rest;
    sensor.count = rest[0] != NULL ? strtoul(rest[0], NULL, 10) : 1;
    sensor.every_ms = rest[0] != NULL && rest[1] != NULL ? strtoul(rest[1], NULL, 10) : 1000;
    if (!device_start(&sensor.device))
        return 2;
    while (well && sensor.delivered < sensor.count) {
        struct tacit_event event;
        work(&sensor);
        device_next(&sensor.device, -1, sensor.every_ms < 50 ? 1 : 50, &event);
        well = take(&sensor, &event);
    }
    device_end(&sensor.device);
    return well ? 0 : 1;
}
