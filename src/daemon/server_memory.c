/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "core/pressure.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define TRIM_EVERY_MS 1000

static uint64_t bound_of(const struct server *server)
{
    return memory_bound_bytes(&server->memory, server->config->limits.memory_bytes);
}

static void say(const struct server *server, enum pressure before, enum pressure stage,
                uint64_t used)
{
    enum config_log_level level = stage > before ? CONFIG_LOG_WARNING : CONFIG_LOG_NOTICE;

    log_say(server->log, level, "memory: %" PRIu64 " of %" PRIu64 " KiB are in use: stage %u, %s",
            used / 1024, bound_of(server) / 1024, (unsigned)stage, pressure_text(stage));
}

/* One look; how much is in use. */
static uint64_t look(struct server *server)
{
    uint64_t used = memory_used_bytes(&server->memory);
    enum pressure stage = shared_look(server->shared, used, bound_of(server));

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
    loop_arm(context, timer, now_ms + pressure_next_look_ms(used, bound_of(server)),
             on_memory_timer);
}

void server_open_memory(struct server *server)
{
    int error = memory_open(&server->memory);

    if (error < 0)
        log_say(server->log, CONFIG_LOG_WARNING,
                "memory: nobody says how much is in use (%s), so limits.memory-bytes is not kept",
                strerror(-error));
}

void server_start_memory(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    if (server->memory.fd >= 0)
        loop_arm(loop, &server->memory_timer, loop_now_ms(loop), on_memory_timer);
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
    publish(server, "$SYS/broker/memory/stage", shared_pressure(server->shared), now_ms);
}
