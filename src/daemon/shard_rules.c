/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/shard.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

#define STEP     64   /* subscriptions or messages between two looks at the clock */
#define SLICE_US 1000 /* of a turn of the loop */

static uint64_t monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u;
}

void shard_rules_apply(struct shard *shard)
{
    shard->rules.config = shard->ruling->config;
    shard->rules.policy = shard->ruling->policy;
    shard->rules.registry = shard->ruling->view;
    shard->rules.blocked = shard->ruling->blocked;
    shard->rules.accounts = shard->ruling->accounts;
    shard->rules.canaries = shard->ruling->canaries;
    shard->rules.keys = shard->ruling->keys;
    shard->rules.ruling_number = shard->ruling->number;
}

/* ---- the walk ---- */

static void note_slice(struct shard_walk *walk, uint64_t from_us, uint64_t until_us)
{
    if (until_us - from_us > walk->longest_us)
        walk->longest_us = until_us - from_us;
}

/* Another ruling may come before the walk is over: it begins again then. */
static void begin_walk(struct shard *shard, uint64_t began_us, uint64_t now_ms)
{
    broker_policy_changed(shard->broker, now_ms);
    if (!shard->walk.is_on || shard->walk.only_notes)
        shard->walk = (struct shard_walk){ .is_on = true };
    shard->walk.made_us = shard->ruling->made_us;
    note_slice(&shard->walk, began_us, monotonic_us());
}

static void end_walk(struct shard *shard, uint64_t now_us)
{
    shard->walk.is_on = false;
    if (shard->walk.only_notes)
        return;
    log_say(shard->log, CONFIG_LOG_INFO,
            "policy in force on shard %u after %" PRIu64 " ms, longest slice %" PRIu64 " us",
            shard->number, (now_us - shard->walk.made_us) / 1000, shard->walk.longest_us);
}

bool shard_rules_walk(struct shard *shard)
{
    if (!shard->walk.is_on)
        return false;
    uint64_t now_ms = loop_now_ms(shard->loop);
    uint64_t began_us = monotonic_us();
    uint64_t now_us = began_us;
    bool has_more = true;

    while (has_more && now_us - began_us < SLICE_US) {
        has_more = broker_policy_step(shard->broker, STEP, now_ms);
        now_us = monotonic_us();
    }
    note_slice(&shard->walk, began_us, now_us);
    if (!has_more)
        end_walk(shard, now_us);
    return has_more;
}

/* ---- a new ruling ---- */

struct ruling_order {
    struct loop_message message;
    struct shard *shard;
    struct ruling *ruling; /* counted */
};

static void on_ruling(struct loop_message *message, struct loop *loop)
{
    struct ruling_order *order = MQTT_CONTAINER_OF(message, struct ruling_order, message);
    struct shard *shard = order->shard;
    struct ruling *old = shard->ruling;
    uint64_t began_us = monotonic_us();

    shard->ruling = order->ruling;
    shard_rules_apply(shard);
    if (shard->ruling->config != old->config) {
        broker_set_limits(shard->broker, &shard->ruling->config->limits);
        net_set_limits(shard->net, &shard->ruling->config->limits);
        shard_sense_follow(shard, loop_now_ms(loop));
    }
    decoy_follow(&shard->decoy, &shard->rules, &shard->ruling->config->limits);
    /* Where only devices were added, nobody's standing has changed but that of those who have been
     * using their names. */
    bool is_new = shard->ruling->view != old->view || shard->ruling->accounts != old->accounts;
    if (shard->ruling->policy != old->policy
        || (is_new
            && presence_has_strangers(&shard->presence, shard->ruling->view,
                                      shard->ruling->accounts)))
        begin_walk(shard, began_us, loop_now_ms(loop));
    ruling_release(old, shard->keeper, loop);
    free(order);
}

int shard_post_ruling(struct shard *shard, struct ruling *ruling)
{
    struct ruling_order *order = calloc(1, sizeof(*order));

    if (order == NULL)
        return -ENOMEM;
    order->shard = shard;
    order->ruling = ruling_ref(ruling);
    loop_post(shard->loop, &order->message, on_ruling);
    return 0;
}

/* ---- what was observed ---- */

struct observe_order {
    struct loop_message message;
    struct shard *shard;
    struct sketch *sketch; /* an empty one there, a full one back */
    bool again;
};

static void on_observed_delivered(struct loop_message *message, struct loop *loop)
{
    struct observe_order *order = MQTT_CONTAINER_OF(message, struct observe_order, message);
    const struct shard_reports *reports = &order->shard->reports;

    (void)loop;
    reports->observed(reports->context, order->sketch);
    free(order);
}

static void observe_again(struct shard *shard)
{
    broker_observe_again(shard->broker);
    if (!shard->walk.is_on)
        shard->walk = (struct shard_walk){ .is_on = true, .only_notes = true };
}

static void on_observe(struct loop_message *message, struct loop *loop)
{
    struct observe_order *order = MQTT_CONTAINER_OF(message, struct observe_order, message);
    struct shard *shard = order->shard;
    struct sketch *full = shard->sketch;

    (void)loop;
    shard->sketch = order->sketch;
    order->sketch = full;
    if (order->again)
        observe_again(shard);
    loop_post(shard->all[0].loop, &order->message, on_observed_delivered);
}

int shard_post_observe(struct shard *shard, struct sketch *empty, bool again)
{
    struct observe_order *order = calloc(1, sizeof(*order));

    if (order == NULL) {
        sketch_free(empty);
        return -ENOMEM;
    }
    *order = (struct observe_order){ .shard = shard, .sketch = empty, .again = again };
    loop_post(shard->loop, &order->message, on_observe);
    return 0;
}
