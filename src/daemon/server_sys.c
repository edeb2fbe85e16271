/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "daemon/manager.h"
#include "daemon/sys_porch.h"
#include "daemon/sys_store.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void on_sys_timer(struct wheel_timer *timer, void *context, uint64_t now_ms);

/* limits.sys_interval_s may change at a reload: 0 looks again every second. */
static void arm_sys(struct server *server, struct loop *loop, uint64_t now_ms)
{
    uint64_t interval_s = server->config->limits.sys_interval_s;

    loop_arm(loop, &server->sys_timer, now_ms + (interval_s > 0 ? interval_s : 1) * 1000,
             on_sys_timer);
}

static void collect(struct server *server)
{
    /* The last round is not over: a shard is that busy. */
    if (server->stats_missing > 0)
        return;
    server->stats = (struct broker_stats){ 0 };
    memset(server->refused, 0, sizeof(server->refused));
    server->detached = 0;
    for (unsigned i = 0; i < server->shard_count; i++) {
        if (shard_post_stats(&server->shards[i]) == 0)
            server->stats_missing++;
    }
}

static void on_sys_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, sys_timer);

    if (server->config->limits.sys_interval_s > 0 && !server->is_stopping)
        collect(server);
    arm_sys(server, context, now_ms);
}

void server_on_stats(void *context, const struct broker_stats *stats, const struct net_stats *net)
{
    struct server *server = context;
    struct shard *first = &server->shards[0];
    char alarms[24];
    char detached[24];

    stats_add(&server->stats, stats);
    for (unsigned i = 0; i < NET_REFUSAL_COUNT; i++)
        server->refused[i] += net->refused[i];
    server->detached += net->detached - net->detached_closed;
    server->stats_missing--;
    if (server->stats_missing > 0 || server->is_stopping)
        return;
    uint64_t now_ms = loop_now_ms(first->loop);
    broker_publish_sys(first->broker, &server->stats, TACIT_VERSION,
                       (now_ms - server->started_ms) / 1000, now_ms);
    snprintf(alarms, sizeof(alarms), "%" PRIu64, alarm_count(server->alarm));
    broker_publish_sys_text(first->broker, "$SYS/broker/canary/alarms", alarms, now_ms);
    snprintf(detached, sizeof(detached), "%" PRIu64, server->detached);
    broker_publish_sys_text(first->broker, "$SYS/broker/tls/detached", detached, now_ms);
    const struct scribe_figures figures = scribe_figures(server->scribe);
    sys_store_publish(first->broker, &figures, now_ms);
    const struct porch_figures porch = porch_figures(server->porch);
    sys_porch_publish(first->broker, &porch, server->refused, now_ms);
    server_publish_memory(server, now_ms);
}

static void on_watchdog(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, watchdog_timer);

    (void)manager_tell("WATCHDOG=1");
    loop_arm(context, timer, now_ms + server->watchdog_ms / 2, on_watchdog);
}

void server_start_sys(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    collect(server);
    arm_sys(server, loop, loop_now_ms(loop));
    server->watchdog_ms = manager_watchdog_ms();
    if (server->watchdog_ms == 0)
        return;
    loop_arm(loop, &server->watchdog_timer, loop_now_ms(loop), on_watchdog);
}
