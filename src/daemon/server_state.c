/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "pki/private_file.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define REGISTRY_POLL_MS 400 /* a device that was added may come in within a second */

static int complain(const struct server *server, int status, const char *text)
{
    log_say(server->log, CONFIG_LOG_ERROR, "%s", text);
    return status;
}

static int open_registry(struct server *server)
{
    struct pki_fault fault = { "the path of the state folder is too long" };
    int status = state_path(server->state_dir, STATE_REGISTRY, server->registry_path);

    if (status == 0)
        status = registry_open(server->registry_path, &server->registry, &fault);
    if (status == 0)
        status = registry_view_new(server->registry, &server->view, &fault);
    if (status == 0)
        status = state_trust_domain(server->state_dir, server->trust_domain, &fault);
    return status == 0 ? 0 : complain(server, status, fault.text);
}

static int make_store(struct server *server)
{
    char path[PATH_MAX];
    bool is_new = false;
    int status = state_path(server->state_dir, STATE_STORE, path);

    if (status == 0)
        status = private_file_make_dir(path, &is_new);
    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR,
                "state folder %s cannot be made: %s; choose another with --state",
                server->state_dir, strerror(-status));
    return status;
}

int server_open_state(struct server *server)
{
    struct state_made made = { 0 };
    struct pki_fault fault = { "" };
    bool needs_identity = endpoint_needs_identity(server->config);
    int status = 0;

    if (needs_identity)
        status = state_prepare(server->state_dir, NULL, &made, &fault);
    if (status != 0)
        return complain(server, status, fault.text);
    server->is_first_start = made.ca;
    status = make_store(server);
    if (status != 0)
        return status;
    status = state_claim(server->state_dir, &server->claim, &fault);
    if (status != 0)
        return complain(server, status, fault.text);
    if (made.server && !made.ca)
        log_say(server->log, CONFIG_LOG_NOTICE, "the server certificate was renewed");
    return needs_identity ? open_registry(server) : 0;
}

void server_close_state(struct server *server)
{
    registry_view_unref(server->view);
    registry_close(server->registry);
    if (server->claim >= 0)
        close(server->claim);
    server->view = NULL;
    server->registry = NULL;
    server->claim = -1;
}

/* ---- changes by `tacit device` while we run ---- */

static void refresh(struct server *server)
{
    struct registry_view *view = NULL;
    struct pki_fault fault;
    int status = registry_view_new(server->registry, &view, &fault);

    for (unsigned i = 0; i < server->shard_count && status == 0; i++)
        status = shard_post_rules(&server->shards[i], NULL, view);
    if (status != 0) {
        log_say(server->log, CONFIG_LOG_WARNING, "the registry is not read again yet: %s",
                view == NULL ? fault.text : strerror(-status));
        registry_view_unref(view);
        return;
    }
    registry_view_unref(server->view);
    server->view = view;
}

static void on_registry_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, registry_timer);
    uint64_t version = 0;

    if (registry_version(server->registry, &version) == 0
        && version != registry_view_version(server->view))
        refresh(server);
    loop_arm(context, timer, now_ms + REGISTRY_POLL_MS, on_registry_timer);
}

void server_watch_registry(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    if (server->registry != NULL)
        loop_arm(loop, &server->registry_timer, loop_now_ms(loop) + REGISTRY_POLL_MS,
                 on_registry_timer);
}
