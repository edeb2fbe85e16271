/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense train` and the like: contract in server.h. */
#include "daemon/server.h"

#include "pki/behaviour_file.h"
#include "pki/private_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ORDER_BYTES ((size_t)1 << 30) /* longest that is read: models of many devices */

/* ---- on the keeper's thread ---- */

void server_fetch_order(struct server_check *check)
{
    char path[PATH_MAX];

    check->order = NULL;
    if (!check->takes_order
        || behaviour_file_beside(check->server->state_dir, BEHAVIOUR_ORDER, path) != 0)
        return;
    int status = private_file_read(path, ORDER_BYTES, &check->order, &check->order_len);
    if (status == -ENOENT)
        return;
    /* One that cannot be read would be found again and again. */
    (void)unlink(path);
    if (status != 0)
        log_say(check->server->log, CONFIG_LOG_WARNING, "%s cannot be read: %s", path,
                strerror(-status));
}

static void write_answer(struct server *server)
{
    struct server_ordering *ordering = &server->ordering;
    char path[PATH_MAX];
    char *text = malloc(SENSING_ANSWER_FILE_BYTES);
    int status =
        text != NULL ? behaviour_file_beside(server->state_dir, BEHAVIOUR_ANSWER, path) : -ENOMEM;

    if (status == 0) {
        size_t len = sensing_answer_encode(&ordering->answer, text);
        status = private_file_write(path, (struct mqtt_span){ (const uint8_t *)text, len },
                                    PRIVATE_FILE_REPLACE);
    }
    free(text);
    if (status != 0)
        log_say(server->log, CONFIG_LOG_WARNING,
                "whoever runs tacit sense is not told what became of it: %s", strerror(-status));
}

static void work_answer(struct helper_job *job)
{
    write_answer(MQTT_CONTAINER_OF(job, struct server_ordering, job)->server);
}

/* ---- on shard 0 ---- */

void server_close_ordering(struct server *server)
{
    free(server->ordering.bytes);
    server->ordering.bytes = NULL;
}

static void on_answered(struct helper_job *job)
{
    server_close_ordering(MQTT_CONTAINER_OF(job, struct server_ordering, job)->server);
}

static void answer(struct server *server)
{
    struct server_ordering *ordering = &server->ordering;

    if (server->keeper != NULL
        && helpers_submit(server->keeper, &ordering->job, server->shards[0].loop, work_answer,
                          on_answered)
               == 0)
        return;
    write_answer(server);
    server_close_ordering(server);
}

void server_on_ordered(void *context, unsigned shard, const struct sensing_outcome *outcome)
{
    struct server *server = context;
    struct server_ordering *ordering = &server->ordering;

    if (outcome->text[0] != '\0')
        log_say(server->log, CONFIG_LOG_NOTICE, "tacit sense, shard %u: %s", shard, outcome->text);
    sensing_answer_add(&ordering->answer, shard, server->shard_count, outcome);
    if (--ordering->missing == 0)
        answer(server);
}

void server_begin_order(struct server *server, uint8_t *bytes, size_t len)
{
    static const struct sensing_outcome no_memory = { SENSING_REFUSED, "out of memory" };
    struct server_ordering *ordering = &server->ordering;

    ordering->server = server;
    ordering->bytes = bytes;
    if (server->is_stopping
        || sensing_order_decode((struct mqtt_span){ bytes, len }, &ordering->order) != 0) {
        if (!server->is_stopping)
            log_say(server->log, CONFIG_LOG_WARNING,
                    "what a tool wants of what was learned is not understood: it is of another "
                    "version, or damaged");
        server_close_ordering(server);
        return;
    }
    memset(&ordering->answer, 0, sizeof(ordering->answer));
    ordering->answer.nonce = ordering->order.nonce;
    ordering->missing = server->shard_count;
    for (unsigned i = 0; i < server->shard_count; i++)
        if (shard_post_sense_order(&server->shards[i], &ordering->order) != 0)
            server_on_ordered(server, i, &no_memory);
}
