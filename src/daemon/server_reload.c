/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <time.h>

/* Everything that can fail, before anything changes. Bound sockets wait in the endpoints. */
static int prepare(struct server *server, const struct config *config, char *out_why)
{
    if (endpoint_needs_identity(config) && server->registry == NULL) {
        snprintf(out_why, ENDPOINT_WHY_BYTES,
                 "a TLS listener with the certificates of the state folder was added, which "
                 "this run has no registry for; restart tacitd");
        return -EINVAL;
    }
    int status = endpoint_try_tls(server->endpoints, config, false, out_why);
    if (status == 0)
        status = endpoint_bind(server->endpoints, config, out_why);
    return status;
}

static int commit(struct server *server, struct config *config, char *out_why)
{
    int status = endpoint_load_tls(server->endpoints, config, out_why);

    for (unsigned i = 0; i < server->shard_count && status == 0; i++) {
        status = shard_post_rules(&server->shards[i], config, NULL);
        if (status != 0)
            snprintf(out_why, ENDPOINT_WHY_BYTES, "out of memory");
    }
    if (status == 0)
        status = endpoint_publish(server->endpoints, config, server->shards, out_why);
    return status;
}

static void tell_restart(const struct server *server, const struct config *config)
{
    unsigned shards = config->shards != 0 ? config->shards : server->shard_count;
    const char *state = config->state != NULL ? config->state : server->state_dir;

    if (shards != server->shard_count)
        log_say(server->log, CONFIG_LOG_NOTICE, "shards = %u takes effect at the next start",
                shards);
    if (strcmp(state, server->state_dir) != 0)
        log_say(server->log, CONFIG_LOG_NOTICE, "state = \"%s\" takes effect at the next start",
                state);
}

static void notify_reloading(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
               (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
}

static void reload(struct server *server)
{
    struct config *config = NULL;
    char why[ENDPOINT_WHY_BYTES] = "";
    int status = server_read_config(server, &config);

    if (status != 0) {
        log_say(server->log, CONFIG_LOG_ERROR,
                "the configuration has errors; the one in force stays");
        return;
    }
    status = prepare(server, config, why);
    if (status == 0)
        status = commit(server, config, why);
    if (status != 0) {
        endpoint_unbind(server->endpoints);
        log_say(server->log, CONFIG_LOG_ERROR, "%s; the configuration in force stays", why);
        config_unref(config);
        return;
    }
    log_configure(server->log, config->log_format, config->log_level);
    tell_restart(server, config);
    config_unref(server->config);
    server->config = config;
    server_announce(server, config);
    log_say(server->log, CONFIG_LOG_NOTICE, "configuration read again: %s",
            server->config_path[0] != '\0' ? server->config_path : "built-in");
}

void server_reload(struct server *server)
{
    if (server->is_stopping)
        return;
    notify_reloading();
    reload(server);
    sd_notify(0, "READY=1");
}
