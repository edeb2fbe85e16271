/* SPDX-License-Identifier: Apache-2.0 */
/* A clone was found: contract in shard.h. */
#include "daemon/portrait.h"
#include "daemon/shard.h"

#include <stdio.h>
#include <stdlib.h>

struct hold_report {
    struct loop_message message;
    struct shard *shard;
    char device[IDENTITY_NAME_BYTES + 1];
    char why[512];
};

static void on_hold_delivered(struct loop_message *message, struct loop *loop)
{
    struct hold_report *report = MQTT_CONTAINER_OF(message, struct hold_report, message);
    const struct shard_reports *reports = &report->shard->reports;

    (void)loop;
    reports->held(reports->context, report->device, report->why);
    free(report);
}

/* For the registry: what an operator who did not see the event is told. */
static void describe_hold(const struct event *event, char *out, size_t size)
{
    struct portrait here = { .address = "?" };
    struct portrait there = { .address = "?" };

    (void)portrait_read(event->clone->note, &here);
    (void)portrait_read(event->clone->other_note, &there);
    snprintf(out, size, "%s; seen at %s and %s", event->text, there.address, here.address);
}

void shard_note_clone(struct shard *shard, const struct event *event)
{
    enum policy_clone done = event->clone->done;

    if (done != POLICY_CLONE_HOLD && done != POLICY_CLONE_BY_KIND)
        return;
    struct hold_report *report = calloc(1, sizeof(*report));
    if (report == NULL || holding_begin(shard->rules.holding, event->identity->device) != 0) {
        log_say(shard->log, CONFIG_LOG_ERROR,
                "out of memory: %s is held only as long as it stays connected",
                event->identity->device);
        free(report);
        return;
    }
    report->shard = shard;
    snprintf(report->device, sizeof(report->device), "%s", event->identity->device);
    describe_hold(event, report->why, sizeof(report->why));
    loop_post(shard->all[0].loop, &report->message, on_hold_delivered);
}
