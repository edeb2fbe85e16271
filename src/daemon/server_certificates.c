/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define LOOK_MS       500 /* what `tacit ca` does counts within a second */
#define DAY_LOOKS     172800
#define RENEWAL_LOOKS 7200 /* is it time to renew? Once an hour, and right after a change */

/* ---- on the keeper's thread ---- */

static void look(const char *dir, enum state_file file, struct server_stamp *out)
{
    char path[STATE_PATH_SIZE];
    struct stat status;

    /* A file that is not there leaves things as they are: it is being put there. */
    if (state_path(dir, file, path) != 0 || stat(path, &status) != 0)
        return;
    *out = (struct server_stamp){
        .inode = status.st_ino,
        .changed_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec,
    };
}

static void look_at_both(const char *dir, struct server_stamp stamps[2])
{
    look(dir, STATE_CA_CERTIFICATE, &stamps[0]);
    look(dir, STATE_SERVER_CERTIFICATE, &stamps[1]);
}

/* What is in ca/ only the steward can open. */
static void show_trust(struct server *server)
{
    struct pki_fault fault = { "out of memory" };

    if (steward_link_show(server->confinement.steward, &fault) != 0)
        log_say(server->log, CONFIG_LOG_WARNING,
                "the certificates of the CA are not read again: %s", fault.text);
}

static void work_look(struct helper_job *job)
{
    struct server_certificates *c = MQTT_CONTAINER_OF(job, struct server_certificates, job);
    const char *dir = c->server->state_dir;
    struct server_stamp stamps[MQTT_ARRAY_LEN(c->stamps)];

    c->status = 0;
    c->made = (struct state_made){ 0 };
    server_watch_steward(c->server);
    if (c->checks % RENEWAL_LOOKS == 0 || c->have_changed || c->is_put_off) {
        c->fault = (struct pki_fault){ "out of memory" };
        c->status = steward_link_prepare(c->server->confinement.steward, &c->made, &c->fault);
    }
    /* A tool is at work in the folder, perhaps waiting for a person. */
    c->is_put_off = c->status == -EBUSY;
    c->is_new_day = c->status == 0 && c->checks > 0 && c->checks % DAY_LOOKS == 0;
    if (c->is_put_off)
        c->status = 0;
    memcpy(stamps, c->stamps, sizeof(stamps));
    look_at_both(dir, stamps);
    c->have_changed = c->made.server || memcmp(stamps, c->stamps, sizeof(stamps)) != 0;
    if (c->have_changed)
        show_trust(c->server);
    memcpy(c->stamps, stamps, sizeof(stamps));
    c->checks++;
}

/* ---- on shard 0 ---- */

static void on_timer(struct wheel_timer *timer, void *context, uint64_t now_ms);

static void arm(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    if (!server->is_stopping)
        loop_arm(loop, &server->certificates.timer, loop_now_ms(loop) + LOOK_MS, on_timer);
}

static void on_looked(struct helper_job *job)
{
    struct server_certificates *c = MQTT_CONTAINER_OF(job, struct server_certificates, job);
    struct server *server = c->server;

    config_unref(c->config);
    c->config = NULL;
    if (c->status != 0)
        log_say(server->log, CONFIG_LOG_WARNING, "the server certificate was not looked after: %s",
                c->fault.text);
    if (c->made.is_overdue)
        log_say(server->log, CONFIG_LOG_WARNING,
                "the server certificate is to be renewed and cannot be: %s", c->made.overdue.text);
    if (c->made.server)
        log_say(server->log, CONFIG_LOG_NOTICE, "the server certificate was renewed");
    if (c->is_new_day)
        server_tell_ca_end(server, &c->made);
    if (c->have_changed) {
        server_reload_certificates(server);
        server_upkeep(server, true); /* what is stapled is about the one before */
    }
    arm(server);
}

static void on_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, certificates.timer);
    struct server_certificates *c = &server->certificates;

    (void)now_ms;
    c->server = server;
    c->config = config_ref(server->config);
    if (helpers_submit(server->keeper, &c->job, context, work_look, on_looked) == 0)
        return;
    config_unref(c->config);
    c->config = NULL;
    arm(server);
}

void server_watch_certificates(struct server *server)
{
    if (server->registry == NULL)
        return;
    look_at_both(server->state_dir, server->certificates.stamps);
    arm(server);
}
