/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "daemon/manager.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- on the keeper's thread ---- */

static int make_ruling(struct server *server, struct config *config, struct ruling **out,
                       char *out_why)
{
    const struct rulebook_doubts doubts = server_doubts(server);
    struct pki_fault fault = { "out of memory" };
    const struct rulebook_basis basis = server_basis(server);
    int status = ruling_new(config, &basis, &doubts, out, &fault);

    if (status != 0)
        snprintf(out_why, ENDPOINT_WHY_BYTES, "%.500s", fault.text);
    return status;
}

/* Everything that can fail, before anything changes. Bound sockets wait in the endpoints. */
static int prepare(struct server *server, struct config *config, struct ruling **out, char *out_why)
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
    if (status == 0)
        status = server_bind_enrolment(server, config, out_why);
    if (status == 0)
        status = make_ruling(server, config, out, out_why);
    if (status == 0)
        status = endpoint_load_tls(server->endpoints, config, out_why);
    return status;
}

static void work_reload(struct helper_job *job)
{
    struct server_reload *reload = MQTT_CONTAINER_OF(job, struct server_reload, job);
    struct server *server = reload->server;
    struct config *config = NULL;
    int status = server_read_config(server, reload->path, reload->digest, &config);

    reload->ruling = NULL;
    snprintf(reload->why, sizeof(reload->why), "the configuration has errors");
    if (status == 0) {
        server_follow_confinement(server, config);
        status = prepare(server, config, &reload->ruling, reload->why);
        config_unref(config);
    }
    if (status == 0)
        return;
    endpoint_unbind(server->endpoints);
    server_unbind_enrolment(server);
    ruling_release(reload->ruling, NULL, NULL);
    reload->ruling = NULL;
}

static void work_certificates(struct helper_job *job)
{
    struct server_reload *reload = MQTT_CONTAINER_OF(job, struct server_reload, job);
    struct server *server = reload->server;

    /* All of them would do, before any of them is used. */
    reload->status = endpoint_try_tls(server->endpoints, reload->config, false, reload->why);
    if (reload->status == 0)
        reload->status = endpoint_load_tls(server->endpoints, reload->config, reload->why);
}

/* ---- on shard 0 ---- */

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

static int commit(struct server *server, struct ruling *ruling, char *out_why)
{
    int status = server_put_in_force(server, ruling);

    if (status != 0) {
        snprintf(out_why, ENDPOINT_WHY_BYTES, "out of memory");
        ruling_release(ruling, server->keeper, server->shards[0].loop);
        endpoint_unbind(server->endpoints);
        server_unbind_enrolment(server);
        return status;
    }
    /* The ruling holds the configuration, and the old one until the keeper frees it. */
    config_unref(server->config);
    server->config = config_ref(ruling->config);
    server_scribe_follow(server);
    return endpoint_publish(server->endpoints, server->config, server->shards, out_why);
}

static void finish(struct server *server, struct server_reload *reload)
{
    if (reload->ruling == NULL || commit(server, reload->ruling, reload->why) != 0) {
        server_record_refusal(server, reload->why);
        return;
    }
    const struct config *config = server->config;
    server_record_configuration(server, reload->digest, reload->path);
    memcpy(server->config_digest, reload->digest, sizeof(server->config_digest));
    memcpy(server->config_path, reload->path, sizeof(server->config_path));
    log_configure(server->log, config->log_format, config->log_level);
    tell_restart(server, config);
    server_follow_enrolment(server);
    server_announce(server, config);
    if (server->logins != NULL)
        logins_set_limits(server->logins, &config->limits);
    server_follow_audit(server);
    herald_follow(server->herald, &config->limits);
    bar_set_limits(server->bar.bar, &config->limits);
    server_follow_hook(server);
}

/* What was asked for meanwhile. */
static void go_on(struct server *server)
{
    struct server_reload *reload = &server->reload;

    if (reload->is_wanted)
        server_reload(server);
    else if (reload->is_wanted_of_certificates)
        server_reload_certificates(server);
}

static void on_reloaded(struct helper_job *job)
{
    struct server_reload *reload = MQTT_CONTAINER_OF(job, struct server_reload, job);
    struct server *server = reload->server;

    reload->is_on = false;
    if (server->is_stopping) {
        endpoint_unbind(server->endpoints);
        ruling_release(reload->ruling, NULL, NULL);
        return;
    }
    finish(server, reload);
    (void)manager_tell("READY=1");
    go_on(server);
}

static void on_certificates(struct helper_job *job)
{
    struct server_reload *reload = MQTT_CONTAINER_OF(job, struct server_reload, job);
    struct server *server = reload->server;

    reload->is_on = false;
    config_unref(reload->config);
    reload->config = NULL;
    if (server->is_stopping)
        return;
    if (reload->status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "%s; the certificates in force stay", reload->why);
    else
        log_say(server->log, CONFIG_LOG_NOTICE, "certificates read again");
    go_on(server);
}

static void notify_reloading(void)
{
    struct timespec now;
    char lines[64];

    clock_gettime(CLOCK_MONOTONIC, &now);
    (void)snprintf(lines, sizeof(lines), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
                   (uint64_t)now.tv_sec * 1000000u + (uint64_t)now.tv_nsec / 1000u);
    (void)manager_tell(lines);
}

void server_reload(struct server *server)
{
    struct server_reload *reload = &server->reload;

    if (server->is_stopping)
        return;
    /* What was changed after the files were read is read afterwards. */
    reload->is_wanted = reload->is_on || server->upkeep.has_endpoints;
    if (reload->is_wanted)
        return;
    notify_reloading();
    reload->server = server;
    reload->is_on = helpers_submit(server->keeper, &reload->job, server->shards[0].loop,
                                   work_reload, on_reloaded)
                    == 0;
    if (!reload->is_on) {
        log_say(server->log, CONFIG_LOG_ERROR, "too much to do; the configuration was not read");
        (void)manager_tell("READY=1");
    }
}

void server_reload_certificates(struct server *server)
{
    struct server_reload *reload = &server->reload;

    if (server->is_stopping)
        return;
    reload->is_wanted_of_certificates = reload->is_on;
    if (reload->is_on)
        return;
    reload->server = server;
    reload->config = config_ref(server->config);
    reload->is_on = helpers_submit(server->keeper, &reload->job, server->shards[0].loop,
                                   work_certificates, on_certificates)
                    == 0;
    if (reload->is_on)
        return;
    config_unref(reload->config);
    reload->config = NULL;
    log_say(server->log, CONFIG_LOG_ERROR, "too much to do; the certificates were not read");
}
