/* SPDX-License-Identifier: Apache-2.0 */
/* An order for what a shard has learned: contract in shard.h. */
#include "daemon/shard.h"

#include <errno.h>
#include <stdlib.h>

struct shard_sense_order {
    struct loop_message message;
    struct shard *shard;
    const struct sensing_order *order; /* borrowed */
    struct sensing_outcome outcome;
};

static void on_delivered(struct loop_message *message, struct loop *loop)
{
    struct shard_sense_order *order = MQTT_CONTAINER_OF(message, struct shard_sense_order, message);
    const struct shard_reports *reports = &order->shard->reports;

    (void)loop;
    reports->ordered(reports->context, order->shard->number, &order->outcome);
    free(order);
}

void shard_sense_written(struct shard *shard)
{
    struct shard_sense_order *order = shard->sense.order;

    shard->sense.order = NULL;
    if (order != NULL)
        loop_post(shard->all[0].loop, &order->message, on_delivered);
}

static void on_order(struct loop_message *message, struct loop *loop)
{
    struct shard_sense_order *order = MQTT_CONTAINER_OF(message, struct shard_sense_order, message);
    struct shard *shard = order->shard;
    bool is_writing = shard->sense.bytes != NULL;

    sensing_order_carry_out(shard->broker, order->order, loop_now_ms(loop), &order->outcome);
    shard->sense.order = order;
    /* What is being written was made before. */
    shard->sense.is_wanted = is_writing;
    if (!is_writing && !shard_sense_write(shard))
        shard_sense_written(shard);
}

int shard_post_sense_order(struct shard *shard, const struct sensing_order *order)
{
    struct shard_sense_order *posted = calloc(1, sizeof(*posted));

    if (posted == NULL)
        return -ENOMEM;
    posted->shard = shard;
    posted->order = order;
    loop_post(shard->loop, &posted->message, on_order);
    return 0;
}
