/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "core/pressure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TRIM_EVERY_MS 1000

/* After a start. Not in it: what is let go of and used again costs it a quarter more. */
#define SETTLE_AFTER_MS 500

static uint64_t bound_of(const struct server *server)
{
    return memory_bound_bytes(&server->memory, server->config->limits.memory_bytes);
}

static uint64_t reserve_of(const struct server *server)
{
    return memory_reserve_bytes(&server->memory, bound_of(server));
}

/* What the stages are shares of. */
static uint64_t staged_bound_of(const struct server *server)
{
    return bound_of(server) - reserve_of(server);
}

static void say(const struct server *server, enum pressure before, enum pressure stage,
                uint64_t used)
{
    enum config_log_level level = stage > before ? CONFIG_LOG_WARNING : CONFIG_LOG_NOTICE;

    log_say(server->log, level,
            "memory: %" PRIu64 " of %" PRIu64 " KiB are in use, %" PRIu64
            " are kept back: stage %u, %s",
            used / 1024, bound_of(server) / 1024, reserve_of(server) / 1024, (unsigned)stage,
            pressure_text(stage));
}

/* One look; how much is in use. */
static uint64_t look(struct server *server)
{
    uint64_t used = memory_used_bytes(&server->memory);
    enum pressure stage = shared_look(server->shared, used, staged_bound_of(server));

    if (stage != server->memory_stage)
        say(server, (enum pressure)server->memory_stage, stage, used);
    server->memory_stage = stage;
    return used;
}

/* What was given up is in the process for as long as it is not given back. */
static void trim(struct server *server, uint64_t now_ms)
{
    if (shared_pressure(server->shared) == PRESSURE_NONE || now_ms < server->memory_trimmed_ms)
        return;
    server->memory_trimmed_ms = now_ms + TRIM_EVERY_MS;
    memory_trim();
}

static void on_memory_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, memory_timer);

    trim(server, now_ms);
    uint64_t used = look(server);
    loop_arm(context, timer, now_ms + pressure_next_look_ms(used, staged_bound_of(server)),
             on_memory_timer);
}

static void on_settled(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, settle_timer);

    (void)context;
    (void)now_ms;
    memory_settle();
    if (server->recorder != NULL)
        recorder_warm(server->recorder);
}

void server_open_memory(struct server *server)
{
    int error = memory_open(&server->memory);

    server->memory.segment_bytes = server->config->limits.store_segment_bytes;

    if (error < 0)
        log_say(server->log, CONFIG_LOG_WARNING,
                "memory: nobody says how much is in use (%s), so limits.memory-bytes is not kept",
                strerror(-error));
    else if (!memory_is_enough(&server->memory, bound_of(server)))
        log_say(server->log, CONFIG_LOG_WARNING,
                "memory: limits.memory-bytes is too little for segments of the store of %" PRIu64
                " KiB: it may be exceeded while the store tidies up; allow more, or make "
                "limits.store-segment-bytes smaller",
                server->memory.segment_bytes / 1024);
}

void server_start_memory(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    if (server->memory.fd >= 0)
        loop_arm(loop, &server->memory_timer, loop_now_ms(loop), on_memory_timer);
    loop_arm(loop, &server->settle_timer, loop_now_ms(loop) + SETTLE_AFTER_MS, on_settled);
}

static void publish(const struct server *server, const char *topic, uint64_t value, uint64_t now_ms)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    broker_publish_sys_text(server->shards[0].broker, topic, text, now_ms);
}

void server_publish_memory(const struct server *server, uint64_t now_ms)
{
    publish(server, "$SYS/broker/memory/used", memory_used_bytes(&server->memory), now_ms);
    publish(server, "$SYS/broker/memory/bound", bound_of(server), now_ms);
    publish(server, "$SYS/broker/memory/reserve", reserve_of(server), now_ms);
    publish(server, "$SYS/broker/memory/stage", shared_pressure(server->shared), now_ms);
}
