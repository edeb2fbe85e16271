/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include "pki/private_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define OBSERVE_MS          10000
#define AGAIN_ROUNDS        360 /* a grant that is in use shows at least each hour */
#define DAY_S               86400
#define OBSERVED_FILE_BYTES 268435456 /* longest that is read; what is written is far below */

static struct sketch *new_sketch(size_t entries_max)
{
    struct siphash_key key;

    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return NULL;
    return sketch_new(&key, entries_max);
}

static bool is_empty(const struct sketch *sketch)
{
    struct sketch_drops drops = sketch_drops_of(sketch);

    return sketch_count(sketch) == 0 && drops.topics == 0 && drops.entries == 0
           && drops.unrecorded == 0;
}

/* ---- the file: on the keeper's thread, or when that has ended ---- */

static void complain(const struct server *server, const char *path, const char *why)
{
    log_say(server->log, CONFIG_LOG_WARNING, "%s: what was observed is not kept: %s", path, why);
}

/* A file that is damaged gives what stands before the damage. */
static void read_observed(const struct server *server, const char *path, struct sketch *into)
{
    uint8_t *text = NULL;
    size_t len = 0;
    size_t line = 0;
    int status = private_file_read(path, OBSERVED_FILE_BYTES, &text, &len);

    if (status == 0)
        status = sketch_read(into, (struct mqtt_span){ text, len }, &line);
    if (status != 0 && status != -ENOENT)
        log_say(server->log, CONFIG_LOG_WARNING,
                "%s: line %zu is not understood; it and what "
                "follows are left out",
                path, line);
    free(text);
}

struct text {
    uint8_t *bytes;
    size_t len;
    size_t room;
};

static int put(void *context, struct mqtt_span line)
{
    struct text *text = context;

    if (text->len + line.len > text->room) {
        size_t room = (text->len + line.len) * 2;
        uint8_t *bytes = realloc(text->bytes, room);
        if (bytes == NULL)
            return -ENOMEM;
        text->bytes = bytes;
        text->room = room;
    }
    memcpy(text->bytes + text->len, line.data, line.len);
    text->len += line.len;
    return 0;
}

static int write_observed(const struct sketch *sketch, const char *path)
{
    struct text text = { NULL, 0, 0 };
    int status = sketch_write(sketch, put, &text);

    if (status == 0)
        status = private_file_write(path, (struct mqtt_span){ text.bytes, text.len },
                                    PRIVATE_FILE_REPLACE);
    free(text.bytes);
    return status;
}

/* Whoever waits sees that the file is as new as it gets. */
static void answer(struct server *server)
{
    char path[PATH_MAX];

    if (server->observing.is_answer
        && state_path(server->state_dir, STATE_OBSERVED_COMING, path) == 0)
        (void)unlink(path);
    server->observing.is_answer = false;
}

static struct sketch *load_observed(const struct server *server, const char *path)
{
    struct sketch *sketch = new_sketch(SKETCH_ENTRIES_DEFAULT);

    if (sketch == NULL)
        return NULL;
    read_observed(server, path, sketch);
    if (sketch_since(sketch) == 0)
        sketch_set_since(sketch, server->observing.began_s);
    return sketch;
}

/* Adds what the shards have handed in, and frees it. */
static void keep_parts(struct server *server)
{
    struct server_observing *observing = &server->observing;
    char path[PATH_MAX];
    bool has_news = false;
    int status = state_path(server->state_dir, STATE_OBSERVED, path);

    if (status == 0 && observing->all == NULL)
        observing->all = load_observed(server, path);
    for (unsigned i = 0; i < observing->count; i++) {
        bool is_news = !is_empty(observing->parts[i]);
        if (is_news && observing->all != NULL)
            sketch_merge(observing->all, observing->parts[i]);
        has_news = has_news || is_news;
        sketch_free(observing->parts[i]);
    }
    observing->count = 0;
    if (!has_news)
        return;
    if (observing->all != NULL)
        sketch_forget(observing->all, server_now_s() - SKETCH_DAYS * DAY_S);
    if (status == 0)
        status = observing->all != NULL ? write_observed(observing->all, path) : -ENOMEM;
    if (status != 0)
        complain(server, path, strerror(-status));
}

static void keep_observed(struct server *server)
{
    keep_parts(server);
    answer(server);
}

/* ---- the rounds: on shard 0 ---- */

static void work_keep(struct helper_job *job)
{
    keep_observed(MQTT_CONTAINER_OF(job, struct server_observing, job)->server);
}

static void collect(struct server *server);

static void on_kept(struct helper_job *job)
{
    struct server_observing *observing = MQTT_CONTAINER_OF(job, struct server_observing, job);

    observing->is_keeping = false;
    if (observing->is_wanted && !observing->server->is_stopping)
        collect(observing->server);
}

static void hand_to_keeper(struct server *server)
{
    struct server_observing *observing = &server->observing;

    observing->is_keeping =
        helpers_submit(server->keeper, &observing->job, server->shards[0].loop, work_keep, on_kept)
        == 0;
}

void server_on_observed(void *context, struct sketch *sketch)
{
    struct server *server = context;
    struct server_observing *observing = &server->observing;

    observing->missing--;
    if (sketch != NULL)
        observing->parts[observing->count++] = sketch;
    /* The last ones are kept when all has ended. */
    if (observing->missing == 0 && server->keeper != NULL)
        hand_to_keeper(server);
}

static void collect(struct server *server)
{
    struct server_observing *observing = &server->observing;
    bool again = observing->rounds >= AGAIN_ROUNDS;

    /* The last round is not over, or found no keeper: what the shards have waits there. */
    if (observing->missing > 0 || observing->is_keeping || observing->count > 0)
        return;
    observing->is_answer = observing->is_wanted;
    observing->is_wanted = false;
    if (again)
        observing->rounds = 0;
    for (unsigned i = 0; i < server->shard_count && server->config->observes; i++) {
        struct sketch *empty = new_sketch(SHARD_SKETCH_ENTRIES);
        if (empty != NULL && shard_post_observe(&server->shards[i], empty, again) == 0)
            observing->missing++;
    }
    if (observing->missing == 0 && observing->is_answer)
        hand_to_keeper(server);
}

bool server_observed_is_wanted(const struct server *server)
{
    char wanted[PATH_MAX];
    char coming[PATH_MAX];

    return state_path(server->state_dir, STATE_OBSERVED_WANTED, wanted) == 0
           && state_path(server->state_dir, STATE_OBSERVED_COMING, coming) == 0
           && rename(wanted, coming) == 0;
}

void server_hand_out_observed(struct server *server)
{
    server->observing.is_wanted = true;
    if (!server->is_stopping)
        collect(server);
}

static void on_observe_timer(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct server *server = MQTT_CONTAINER_OF(timer, struct server, observe_timer);

    server->observing.rounds++;
    if (server->config->observes && !server->is_stopping)
        collect(server);
    loop_arm(context, timer, now_ms + OBSERVE_MS, on_observe_timer);
}

int server_open_observing(struct server *server)
{
    server->observing.server = server;
    server->observing.began_s = server_now_s();
    server->observing.parts = calloc(server->shard_count * 2, sizeof(struct sketch *));
    return server->observing.parts != NULL ? 0 : -ENOMEM;
}

void server_start_observing(struct server *server)
{
    struct loop *loop = server->shards[0].loop;

    loop_arm(loop, &server->observe_timer, loop_now_ms(loop) + OBSERVE_MS, on_observe_timer);
}

/* All threads have ended: what is on its way back was delivered. */
void server_end_observing(struct server *server)
{
    struct server_observing *observing = &server->observing;

    for (unsigned i = 0; i < server->shard_count; i++) {
        if (server->shards[i].sketch != NULL)
            observing->parts[observing->count++] = server->shards[i].sketch;
        server->shards[i].sketch = NULL;
    }
    observing->is_answer = true;
    keep_observed(server);
}

void server_close_observing(struct server *server)
{
    struct server_observing *observing = &server->observing;

    for (unsigned i = 0; i < observing->count; i++)
        sketch_free(observing->parts[i]);
    sketch_free(observing->all);
    free(observing->parts);
    observing->parts = NULL;
    observing->all = NULL;
    observing->count = 0;
}
