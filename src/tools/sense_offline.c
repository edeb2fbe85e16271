/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_offline.h"

#include "config/config.h"
#include "core/broker.h"
#include "core/sensing.h"
#include "core/sensing_keep.h"
#include "core/sensing_models.h"
#include "pki/behaviour_file.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

/* Later than anything that was learned began. */
#define NOW_MS (UINT64_C(1) << 40)

/* A shard without clients, which knows what the file says. */
static int open_shard(const struct sensing_part_head *head, struct broker **out)
{
    struct broker_options options = {
        .limits = limits_default(),
        .shard = head->shard,
        .shard_count = head->shard_count,
    };
    struct sensing_options sensing = { .is_on = true };

    /* No more than the tacitd that wrote it had room for. */
    options.limits.sense_devices = UINT32_MAX;
    options.limits.sense_roles = UINT16_MAX;
    options.limits.sense_window_ms = head->window_ms;
    if (head->shard_count == 0 || head->shard_count > CONFIG_SHARDS_MAX || head->window_ms == 0)
        return -EBADMSG;
    if (getrandom(&options.hash_key, sizeof(options.hash_key), 0) < 0
        || getrandom(&sensing.key, sizeof(sensing.key), 0) < 0)
        return -EIO;
    struct broker *broker = broker_new(&options, NOW_MS);
    if (broker == NULL)
        return -ENOMEM;
    *out = broker;
    return sensing_set(broker, &sensing, NOW_MS) ? 0 : -ENOMEM;
}

/* `learned` may be empty: nothing is known there yet. */
static int change(const struct identity_options *options, const struct sensing_part_head *head,
                  struct mqtt_span learned, const struct sensing_order *order,
                  struct sensing_answer *answer)
{
    struct broker *broker = NULL;
    struct sensing_outcome outcome;
    uint8_t *bytes = NULL;
    size_t len = 0;
    int error = open_shard(head, &broker);

    if (error == 0 && learned.len > 0)
        error = sensing_keep_load(broker, learned, NOW_MS);
    if (error == 0) {
        sensing_order_carry_out(broker, order, NOW_MS, &outcome);
        sensing_answer_add(answer, head->shard, head->shard_count, &outcome);
        error =
            outcome.result == SENSING_DONE ? sensing_keep_save(broker, NOW_MS, &bytes, &len) : 0;
    }
    if (error == 0 && len > 0)
        error = behaviour_file_write(options->state, head->shard, (struct mqtt_span){ bytes, len });
    free(bytes);
    broker_free(broker);
    return error;
}

static int change_file(const struct identity_options *options, unsigned shard,
                       const struct sensing_order *order, struct sensing_answer *answer)
{
    struct sensing_part part;
    uint8_t *bytes = NULL;
    size_t len = 0;
    int error = behaviour_file_read(options->state, shard, &bytes, &len);

    if (error == 0)
        error = sensing_part_open((struct mqtt_span){ bytes, len }, &part);
    if (error == 0)
        error = change(options, &part.head, (struct mqtt_span){ bytes, len }, order, answer);
    free(bytes);
    return error;
}

/* The first thing that is known in this folder. */
static int begin(const struct identity_options *options, const struct sensing_order *order,
                 struct sensing_answer *answer)
{
    const struct sensing_outcome nothing = { SENSING_NOT_FOUND, "nothing was learned yet" };
    const struct mqtt_span nobody = { NULL, 0 };
    struct sensing_part part;

    if (order->kind != SENSING_ORDER_TAKE || sensing_models_open(order->models, &part) != 0) {
        sensing_answer_add(answer, 0, 1, &nothing);
        return 0;
    }
    part.head.shard = 0;
    part.head.shard_count = 1;
    return change(options, &part.head, nobody, order, answer);
}

int sense_offline_do(const struct identity_options *options, const struct sensing_order *order,
                     struct sensing_answer *out)
{
    unsigned found = 0;

    for (unsigned i = 0; i < CONFIG_SHARDS_MAX; i++) {
        int error = change_file(options, i, order, out);
        if (error != 0 && error != -ENOENT)
            return error;
        found += error == 0 ? 1 : 0;
    }
    return found > 0 ? 0 : begin(options, order, out);
}
