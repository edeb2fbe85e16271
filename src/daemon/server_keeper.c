/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "daemon/wall.h"
#include "pki/holds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define POLL_MS         200  /* what the tool does counts within a second */
#define POLL_AGAIN_MS   2000 /* after a failure */
#define SOON_MS         20   /* what just changed again, or a clock that is a little behind */
#define KEEPER_JOBS_MAX 4096 /* waiting; each shard and ruling has one at most */

int64_t server_now_s(void)
{
    return wall_now_ms() / 1000;
}

static void on_doubt(void *context, const char *text)
{
    const struct server *server = context;

    log_say(server->log, CONFIG_LOG_WARNING, "%s", text);
}

struct rulebook_doubts server_doubts(struct server *server)
{
    return (struct rulebook_doubts){ server, on_doubt };
}

struct rulebook_basis server_basis(struct server *server)
{
    return (struct rulebook_basis){
        .registry = server->registry,
        .now_s = server_now_s(),
        .anchors = &server->anchors,
    };
}

int server_open_keeper(struct server *server)
{
    const struct rulebook_doubts doubts = server_doubts(server);
    struct pki_fault fault = { "out of memory" };
    const struct rulebook_basis basis = server_basis(server);
    int status = ruling_new(server->config, &basis, &doubts, &server->ruling, &fault);

    if (status != 0)
        log_say(server->log, CONFIG_LOG_ERROR, "%s", fault.text);
    else
        status = helpers_open(1, KEEPER_JOBS_MAX, &server->keeper);
    return status;
}

void server_close_keeper(struct server *server)
{
    struct helpers *keeper = server->keeper;

    server->is_stopping = true;
    server->keeper = NULL;
    helpers_close(keeper);
    for (unsigned i = 0; i < server->shard_count && server->shards != NULL; i++)
        server->shards[i].keeper = NULL;
}

int server_put_in_force(struct server *server, struct ruling *ruling)
{
    int status = 0;

    ruling->number = (uint64_t)server->ruling_number + 1;
    for (unsigned i = 0; i < server->shard_count && status == 0; i++)
        status = shard_post_ruling(&server->shards[i], ruling);
    if (status != 0)
        return status;
    ruling_release(server->ruling, server->keeper, server->shards[0].loop);
    server->ruling = ruling;
    server->ruling_number++;
    return 0;
}

/* ---- has the registry changed, or has a grant expired? ---- */

static void on_check_timer(struct wheel_timer *timer, void *context, uint64_t now_ms);

static void arm(struct server *server, uint64_t wait_ms)
{
    struct loop *loop = server->shards[0].loop;

    if (!server->is_stopping)
        loop_arm(loop, &server->check_timer, loop_now_ms(loop) + wait_ms, on_check_timer);
}

/* Holds end by themselves. What cannot be taken away is, a moment later. */
static void end_holds(struct server *server, const struct registry_view *view, int64_t now_s)
{
    struct pki_fault fault = { "out of memory" };
    int64_t end_s = view != NULL ? registry_view_next_end_s(view) : 0;

    if (end_s == 0 || now_s < end_s)
        return;
    if (holds_expire(server->registry, now_s, &fault) < 0)
        log_say(server->log, CONFIG_LOG_WARNING, "holds whose time is over do not end yet: %s",
                fault.text);
}

static void work_check(struct helper_job *job)
{
    struct server_check *check = MQTT_CONTAINER_OF(job, struct server_check, job);
    struct server *server = check->server;
    const struct rulebook_doubts doubts = server_doubts(server);
    const struct rulebook_basis basis = server_basis(server);
    struct pki_fault fault = { "out of memory" };

    server_note_canaries(server, check->basis->config);
    server_keep_bar(server);
    end_holds(server, check->basis->view, basis.now_s);
    check->made = NULL;
    check->wants_observed = server_observed_is_wanted(server);
    server_fetch_order(check);
    check->status = ruling_renew(check->basis, &basis, &doubts, &check->made, &fault);
    if (check->status != 0)
        log_say(server->log, CONFIG_LOG_WARNING, "the registry is not read again yet: %s",
                fault.text);
    ruling_release(check->basis, NULL, NULL);
}

/* What was made of a configuration that is not in force any more is of no use. */
static void on_checked(struct helper_job *job)
{
    struct server_check *check = MQTT_CONTAINER_OF(job, struct server_check, job);
    struct server *server = check->server;
    struct ruling *before = ruling_ref(server->ruling);
    bool is_late = server->is_stopping || check->basis_number != server->ruling_number;
    uint64_t wait_ms = check->status != 0 ? POLL_AGAIN_MS : POLL_MS;

    if (check->made != NULL && (is_late || server_put_in_force(server, check->made) != 0)) {
        ruling_release(check->made, server->keeper, server->shards[0].loop);
        wait_ms = SOON_MS;
    } else if (check->made != NULL) {
        server_record_policy(server, before, check->made);
        server_upkeep(server, true); /* something may have been revoked */
    }
    ruling_release(before, server->keeper, server->shards[0].loop);
    if (check->wants_observed)
        server_hand_out_observed(server);
    if (check->order != NULL)
        server_begin_order(server, check->order, check->order_len);
    /* A grant that expires does so on the second. */
    uint64_t left_ms = ruling_patience_ms(server->ruling, wall_now_ms(), wait_ms);
    arm(server, left_ms < wait_ms ? left_ms + SOON_MS : wait_ms);
}

static void on_check_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, check_timer);
    struct server_check *check = &server->check;

    (void)now_ms;
    check->server = server;
    check->basis = ruling_ref(server->ruling);
    check->basis_number = server->ruling_number;
    check->takes_order = server->ordering.bytes == NULL;
    if (helpers_submit(server->keeper, &check->job, context, work_check, on_checked) == 0)
        return;
    ruling_release(check->basis, NULL, NULL);
    arm(server, POLL_MS);
}

void server_watch(struct server *server)
{
    arm(server, POLL_MS);
}
