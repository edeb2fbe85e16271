/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define UPKEEP_MS      5000
#define PUBLISH_ROUNDS 12 /* what only time makes old is looked at once a minute */

/* ---- before the shards run ---- */

void server_open_upkeep(struct server *server)
{
    bool is_new;

    server->upkeep.care = (struct upkeep){ .log = server->log,
                                           .state_dir = server->state_dir,
                                           .steward = server->confinement.steward,
                                           .registry = server->registry };
    upkeep_open(&server->upkeep.care);
    upkeep_publish(&server->upkeep.care, server_now_s(), &is_new);
    (void)upkeep_lists_changed(&server->upkeep.care, server->config);
}

/* ---- on the keeper's thread ---- */

static void load_tls(struct server *server, const struct config *config)
{
    char why[ENDPOINT_WHY_BYTES] = "";

    if (endpoint_load_tls(server->endpoints, config, why) != 0)
        log_say(server->log, CONFIG_LOG_WARNING, "%s; what was loaded before stays", why);
    else
        log_say(server->log, CONFIG_LOG_NOTICE, "certificates and revocation lists read again");
}

static void work_upkeep(struct helper_job *job)
{
    struct server_upkeep *upkeep = MQTT_CONTAINER_OF(job, struct server_upkeep, job);
    struct server *server = upkeep->server;
    bool has_news = false;

    for (unsigned i = 0; i < server->shard_count; i++)
        upkeep_note(&upkeep->care, server->shards[i].sightings);
    if (upkeep->publishes)
        upkeep_publish(&upkeep->care, server_now_s(), &has_news);
    upkeep->has_staple = upkeep->has_staple || has_news;
    if (!upkeep->has_endpoints)
        return;
    if (upkeep_lists_changed(&upkeep->care, upkeep->config) || upkeep->has_staple)
        load_tls(server, upkeep->config);
    upkeep->has_staple = false;
    upkeep_warn(&upkeep->care, upkeep->config, server->endpoints, server_now_s());
}

/* ---- on shard 0 ---- */

static void on_upkept(struct helper_job *job)
{
    struct server_upkeep *upkeep = MQTT_CONTAINER_OF(job, struct server_upkeep, job);
    struct server *server = upkeep->server;

    config_unref(upkeep->config);
    upkeep->config = NULL;
    upkeep->is_on = upkeep->has_endpoints = false;
    if (server->is_stopping)
        return;
    if (server->reload.is_wanted && !server->reload.is_on)
        server_reload(server);
    if (upkeep->is_wanted)
        server_upkeep(server, true);
}

void server_upkeep(struct server *server, bool publishes)
{
    struct server_upkeep *upkeep = &server->upkeep;

    if (server->is_stopping || server->keeper == NULL)
        return;
    if (upkeep->is_on) {
        upkeep->is_wanted = upkeep->is_wanted || publishes;
        return;
    }
    upkeep->server = server;
    upkeep->publishes = publishes;
    upkeep->config = config_ref(server->config);
    /* A reload has them; what was to be loaded is loaded by it, or the next time. */
    upkeep->has_endpoints = !server->reload.is_on;
    upkeep->is_wanted = false;
    upkeep->is_on =
        helpers_submit(server->keeper, &upkeep->job, server->shards[0].loop, work_upkeep, on_upkept)
        == 0;
    if (upkeep->is_on)
        return;
    config_unref(upkeep->config);
    upkeep->config = NULL;
    upkeep->has_endpoints = false;
    upkeep->is_wanted = publishes;
}

static void on_upkeep_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, upkeep_timer);

    server_upkeep(server,
                  server->upkeep.rounds++ % PUBLISH_ROUNDS == 0 || server->upkeep.is_wanted);
    loop_arm(context, timer, now_ms + UPKEEP_MS, on_upkeep_timer);
}

void server_start_upkeep(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    loop_arm(loop, &server->upkeep_timer, loop_now_ms(loop) + UPKEEP_MS, on_upkeep_timer);
}

/* ---- after they have run ---- */

void server_end_upkeep(struct server *server)
{
    for (unsigned i = 0; i < server->shard_count; i++)
        upkeep_note(&server->upkeep.care, server->shards[i].sightings);
}
