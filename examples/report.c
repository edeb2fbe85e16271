/* SPDX-License-Identifier: Apache-2.0 */
/* A report that is larger than the memory: a file becomes one message, which passes the client in
 * pieces of 1,000 bytes, and from the start again when the connection ends in between.
 *
 *   report ... FILE      published as devices/NAME/telemetry/report with QoS 1
 *
 * The file stays as it is until the server has the message. */
#include "device.h"

#include <stdio.h>
#include <tacit/pieces.h>

#define PIECE_BYTES 1000u

struct report {
    struct device device;
    FILE *file;
    uint32_t token;
    bool ended;
    bool delivered;
};

static long size_of(FILE *file)
{
    return file != NULL && fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
}

static bool begin(struct report *report)
{
    char topic[DEVICE_TOPIC_SIZE];
    long size = size_of(report->file);
    if (size <= 0)
        return false;
    struct tacit_message message = {
        .topic = device_topic(&report->device, topic, "telemetry/report"),
        .payload = { NULL, (size_t)size }, /* its length; the bytes come when they are wanted */
        .qos = 1,
    };
    return tacit_publish_begin(report->device.client, &message, &report->token) == TACIT_OK;
}

/* What was not taken is wanted again, from where the client then says. A file that cannot be read
 * any more will not become a message. */
static void hand_over(struct report *report, const struct tacit_event *event)
{
    static char bytes[PIECE_BYTES];
    struct tacit_client *client = report->device.client;
    size_t taken;
    size_t len = 0;
    if (fseek(report->file, (long)event->offset, SEEK_SET) == 0)
        len = fread(bytes, 1, sizeof(bytes), report->file);
    if (event->offset == 0)
        (void)printf("from the start\n");
    if (len == 0)
        (void)tacit_cancel(client, event->token);
    else
        (void)tacit_publish_part(client, event->token, event->offset,
                                 (struct tacit_bytes){ bytes, len }, &taken);
}

static void take(struct report *report, const struct tacit_event *event)
{
    if (event->type == TACIT_EVENT_WANTED)
        hand_over(report, event);
    report->delivered |= event->type == TACIT_EVENT_DELIVERED && event->token == report->token;
    report->ended |=
        report->delivered || (event->type == TACIT_EVENT_REJECTED && event->token == report->token);
}

int main(int count, char **arguments)
{
    static struct report report;
    (void)count;
    if (!device_read(&report.device, arguments, "FILE") || report.device.rest[0] == NULL
        || !device_start(&report.device))
        return 2;
    report.file = fopen(report.device.rest[0], "rb");
    if (!begin(&report)) {
        (void)fprintf(stderr, "%s: cannot be sent\n", report.device.rest[0]);
        return 1;
    }
    while (!report.ended) {
        struct tacit_event event;
        device_next(&report.device, -1, 1000, &event);
        take(&report, &event);
    }
    (void)printf(report.delivered ? "delivered\n" : "not delivered\n");
    device_end(&report.device);
    (void)fclose(report.file);
    return report.delivered ? 0 : 1;
}
