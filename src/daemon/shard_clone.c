/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody is to be held, as when a clone was found: contract in shard.h. */
#include "daemon/portrait.h"
#include "daemon/shard.h"

#include <stdio.h>
#include <stdlib.h>

struct hold_report {
    struct loop_message message;
    struct shard *shard;
    struct registry_hold hold;
};

static void on_hold_delivered(struct loop_message *message, struct loop *loop)
{
    struct hold_report *report = MQTT_CONTAINER_OF(message, struct hold_report, message);
    const struct shard_reports *reports = &report->shard->reports;

    (void)loop;
    reports->held(reports->context, &report->hold);
    free(report);
}

bool shard_hold(struct shard *shard, const struct registry_hold *hold)
{
    struct hold_report *report = calloc(1, sizeof(*report));

    if (report == NULL || holding_begin(shard->rules.holding, hold->name, hold->kind) != 0) {
        free(report);
        return false;
    }
    report->shard = shard;
    report->hold = *hold;
    loop_post(shard->all[0].loop, &report->message, on_hold_delivered);
    return true;
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
    struct registry_hold hold = { .kind = HOLD_CLONE };

    if (done != POLICY_CLONE_HOLD && done != POLICY_CLONE_BY_KIND)
        return;
    snprintf(hold.name, sizeof(hold.name), "%s", event->identity->device);
    describe_hold(event, hold.why, sizeof(hold.why));
    if (!shard_hold(shard, &hold))
        log_say(shard->log, CONFIG_LOG_ERROR,
                "out of memory: %s is held only as long as it stays connected", hold.name);
}
