/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that writes, over a real folder whose disk fails and dawdles when the test says so. */
#include "daemon/scribe.h"

#include "core/state.h"
#include "daemon/shard.h"
#include "store/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define SHARDS     3u
#define PATIENCE_S 10

/* ---- a disk ---- */

static struct files real;
static _Atomic int sync_error;       /* what a sync says; 0: what the real one says */
static _Atomic int write_error;      /* likewise */
static _Atomic bool sync_is_stuck;   /* the sync of a frame with STUCK in it does not come back */
static _Atomic bool has_stuck;       /* such a frame is written and not synced */
static _Atomic unsigned syncs_stuck; /* how many wait */

/* Housekeeping syncs as well, whenever it likes: only this is waited for. */
#define STUCK "stuck!"

static void nap(void)
{
    const struct timespec ms = { .tv_nsec = 1000000 };

    nanosleep(&ms, NULL);
}

static int sync_or_not(struct file *file)
{
    if (sync_is_stuck && has_stuck) {
        syncs_stuck++;
        while (sync_is_stuck)
            nap();
    }
    has_stuck = false;
    return sync_error != 0 ? sync_error : real.sync(file);
}

static int write_or_not(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (memmem(pieces[i].data, pieces[i].len, STUCK, strlen(STUCK)) != NULL)
            has_stuck = true;
    return write_error != 0 ? write_error : real.write(file, offset, pieces, count);
}

/* ---- shards, as much of them as a scribe sees ---- */

struct rig {
    struct stand stand;
    struct shared *shared;
    struct shard *shards;
    struct loop *loop; /* of all of them: the test's own thread */
    struct log *log;
    struct scribe *scribe;
    struct journal_port port;
    uint64_t numbers[SHARDS]; /* of the last frame */
    size_t bytes[SHARDS];
};

static void open_shards(struct rig *rig)
{
    static const struct siphash_key key = { 1, 2 };

    assert_int_equal(loop_open(&rig->loop), 0);
    rig->shards = calloc(SHARDS, sizeof(*rig->shards));
    rig->shared = shared_new(&key, NULL, SHARDS);
    assert_true(rig->shards != NULL && rig->shared != NULL);
    for (unsigned i = 0; i < SHARDS; i++) {
        const struct broker_options options = { .limits = limits_default(),
                                                .hash_key = key,
                                                .shard = i,
                                                .shard_count = SHARDS,
                                                .shared = rig->shared };

        rig->shards[i].loop = rig->loop;
        rig->shards[i].broker = broker_new(&options, 0);
        assert_non_null(rig->shards[i].broker);
    }
}

static void rig_init(struct rig *rig, const struct limits *limits)
{
    *rig = (struct rig){ 0 };
    sync_error = write_error = 0;
    sync_is_stuck = has_stuck = false;
    syncs_stuck = 0;
    stand_init(&rig->stand);
    real = rig->stand.files;
    rig->stand.options.files.sync = sync_or_not;
    rig->stand.options.files.write = write_or_not;
    assert_int_equal(stand_open(&rig->stand), 0);
    open_shards(rig);
    rig->log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_ERROR);
    assert_non_null(rig->log);
    const struct scribe_options options = { .store = rig->stand.store,
                                            .folder = rig->stand.folder,
                                            .log = rig->log,
                                            .shards = rig->shards,
                                            .count = SHARDS,
                                            .limits = *limits };
    assert_int_equal(scribe_new(&options, &rig->scribe), 0);
    rig->port = scribe_port(rig->scribe);
}

/* The scribe has stopped. */
static void rig_fini(struct rig *rig)
{
    assert_int_equal(loop_turn(rig->loop, 0), 0); /* what the shards still have to be told */
    stand_close(&rig->stand);
    scribe_free(rig->scribe);
    for (unsigned i = 0; i < SHARDS; i++)
        broker_free(rig->shards[i].broker);
    loop_close(rig->loop);
    shared_free(rig->shared);
    free(rig->shards);
    log_free(rig->log);
    stand_fini(&rig->stand);
}

static struct limits quick(void)
{
    struct limits limits = limits_default();

    limits.store_retry_ms = 10;
    return limits;
}

static const struct journal *journal_of(const struct rig *rig, unsigned shard)
{
    return &rig->shards[shard].broker->journal;
}

/* A frame that puts one thing. */
static void submit(struct rig *rig, unsigned shard, uint64_t key, const char *text)
{
    size_t len = JOURNAL_PUT_BYTES + strlen(text);
    uint8_t *bytes = malloc(len);

    assert_non_null(bytes);
    memcpy(journal_put_head(bytes, key, 0, (uint32_t)strlen(text)), text, strlen(text));
    rig->bytes[shard] += len;
    rig->port.submit(rig->port.context, shard, ++rig->numbers[shard], bytes, len);
}

/* One that only waits. */
static void submit_empty(struct rig *rig, unsigned shard)
{
    rig->port.submit(rig->port.context, shard, ++rig->numbers[shard], NULL, 0);
}

/* Turns until `is_so`; false: it never is. */
static bool turn_until(struct rig *rig, bool (*is_so)(const struct rig *rig))
{
    time_t end = time(NULL) + PATIENCE_S;

    while (!is_so(rig) && time(NULL) < end)
        assert_int_equal(loop_turn(rig->loop, 1), 0);
    return is_so(rig);
}

static bool is_confirmed(const struct rig *rig)
{
    for (unsigned i = 0; i < SHARDS; i++)
        if (journal_of(rig, i)->confirmed < rig->numbers[i])
            return false;
    return true;
}

static bool has_state(const struct rig *rig, enum journal_state state)
{
    for (unsigned i = 0; i < SHARDS; i++)
        if (journal_of(rig, i)->state != state)
            return false;
    return true;
}

static bool is_failed(const struct rig *rig)
{
    return has_state(rig, JOURNAL_FAILED);
}

static bool is_open(const struct rig *rig)
{
    return has_state(rig, JOURNAL_OPEN);
}

static bool is_stuck(const struct rig *rig)
{
    (void)rig;
    return syncs_stuck > 0;
}

/* What the folder holds once everything is closed. */
static const char *read_again(struct rig *rig)
{
    stand_reopen(&rig->stand);
    assert_int_equal(rig->stand.damages, 0);
    return stand_text(&rig->stand);
}

/* ---- confirming ---- */

static void frames_of_all_shards_are_confirmed_in_order(void **state)
{
    const struct limits limits = quick();
    struct rig rig;
    char text[16];

    (void)state;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    for (unsigned i = 0; i < 300; i++) { /* all of them set the same thing */
        snprintf(text, sizeof(text), "%u", i);
        submit(&rig, i % SHARDS, 0xe, text);
        if (i % 7 == 0)
            assert_int_equal(loop_turn(rig.loop, 0), 0);
    }
    assert_true(turn_until(&rig, is_confirmed));
    for (unsigned i = 0; i < SHARDS; i++) {
        assert_int_equal(journal_of(&rig, i)->confirmed, 100);
        assert_int_equal(journal_of(&rig, i)->written, 100);
        assert_int_equal(journal_of(&rig, i)->confirmed_bytes, rig.bytes[i]);
        assert_int_equal(journal_of(&rig, i)->state, JOURNAL_OPEN);
    }
    struct scribe_figures figures = scribe_figures(rig.scribe);
    assert_int_equal(figures.waiting_bytes, 0);
    assert_int_equal(figures.confirmed_frames, 300);
    uint64_t counted = 0;
    for (unsigned i = 0; i < SCRIBE_BUCKETS; i++)
        counted += figures.latency[i];
    assert_int_equal(counted, 300);
    assert_int_equal(scribe_stop(rig.scribe), 0);
    assert_string_equal(read_again(&rig), "e=299");
    rig_fini(&rig);
}

static void an_empty_frame_waits_for_those_before_it(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    submit_empty(&rig, 0); /* before it there is none */
    assert_true(turn_until(&rig, is_confirmed));
    sync_is_stuck = true;
    submit(&rig, 1, 0x1, STUCK);
    assert_true(turn_until(&rig, is_stuck));
    submit_empty(&rig, 0);
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(loop_turn(rig.loop, 1), 0);
    assert_int_equal(journal_of(&rig, 0)->confirmed, 1);
    assert_int_equal(journal_of(&rig, 1)->confirmed, 0);
    sync_is_stuck = false;
    assert_true(turn_until(&rig, is_confirmed));
    assert_int_equal(scribe_stop(rig.scribe), 0);
    rig_fini(&rig);
}

/* Frames of what the shards share have no number; nobody is told of them. */
static void shared_frames_are_written_before_what_comes_behind(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    rig_init(&rig, &limits);
    uint8_t *bytes = malloc(JOURNAL_PUT_BYTES);
    assert_non_null(bytes);
    journal_put_head(bytes, 0x7, 0, 0);
    rig.port.submit(rig.port.context, 0, 0, bytes, JOURNAL_PUT_BYTES);
    submit(&rig, 0, 0x8, "x"); /* before there is a thread: it waits */
    assert_int_equal(scribe_start(rig.scribe), 0);
    assert_true(turn_until(&rig, is_confirmed));
    assert_int_equal(journal_of(&rig, 0)->confirmed, 1);
    assert_int_equal(journal_of(&rig, 0)->confirmed_bytes, rig.bytes[0]);
    assert_int_equal(scribe_stop(rig.scribe), 0);
    assert_string_equal(read_again(&rig), "7= 8=x");
    rig_fini(&rig);
}

static void what_is_written_is_told_when_somebody_wants_to_know(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    for (unsigned wanted = 0; wanted < 2; wanted++) {
        rig_init(&rig, &limits);
        scribe_follow(rig.scribe, &limits, wanted > 0);
        assert_int_equal(scribe_start(rig.scribe), 0);
        submit(&rig, 1, 0x1, "x");
        assert_true(turn_until(&rig, is_confirmed));
        sync_is_stuck = true;
        submit(&rig, 1, 0x1, STUCK);
        assert_true(turn_until(&rig, is_stuck));
        for (unsigned i = 0; i < 20; i++)
            assert_int_equal(loop_turn(rig.loop, 1), 0);
        assert_int_equal(journal_of(&rig, 1)->written, 1 + wanted);
        assert_int_equal(journal_of(&rig, 1)->confirmed, 1);
        sync_is_stuck = false;
        assert_true(turn_until(&rig, is_confirmed));
        assert_int_equal(scribe_stop(rig.scribe), 0);
        rig_fini(&rig);
    }
}

/* ---- batches ---- */

/* How many syncs it takes for 40 frames of 100 bytes that came while the disk was busy. */
static uint64_t syncs_for(const struct limits *limits)
{
    struct rig rig;
    char text[80];

    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    rig_init(&rig, limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    submit(&rig, 0, 0x1, text);
    assert_true(turn_until(&rig, is_confirmed));
    sync_is_stuck = true;
    submit(&rig, 0, 0x1, STUCK);
    assert_true(turn_until(&rig, is_stuck));
    uint64_t before = scribe_figures(rig.scribe).store.syncs;
    for (unsigned i = 0; i < 40; i++)
        submit(&rig, i % SHARDS, 0x1 + i, text);
    sync_is_stuck = false;
    assert_true(turn_until(&rig, is_confirmed));
    assert_int_equal(scribe_stop(rig.scribe), 0);
    uint64_t after = scribe_figures(rig.scribe).store.syncs;
    rig_fini(&rig);
    return after - before - 1; /* the one that was stuck */
}

static void what_comes_meanwhile_is_confirmed_together(void **state)
{
    struct limits limits = quick();

    (void)state;
    assert_int_equal(syncs_for(&limits), 1);
    limits.store_batch_frames = 10;
    assert_int_equal(syncs_for(&limits), 4);
    limits.store_batch_frames = 1;
    assert_int_equal(syncs_for(&limits), 40);
    limits = quick();
    limits.store_batch_bytes = 1000; /* the frame that reaches it is in */
    assert_int_equal(syncs_for(&limits), 4);
}

static void waiting_gathers(void **state)
{
    struct limits limits = quick();
    struct rig rig;

    (void)state;
    limits.store_wait_us = 300000;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    uint64_t before = scribe_figures(rig.scribe).store.syncs;
    for (unsigned i = 0; i < 20; i++) {
        submit(&rig, i % SHARDS, 0x1, "x");
        nap();
    }
    assert_true(turn_until(&rig, is_confirmed));
    assert_true(scribe_figures(rig.scribe).store.syncs - before < 10); /* one, on a quick machine */
    /* Who stops does not wait for more. */
    limits.store_wait_us = 1000000;
    scribe_follow(rig.scribe, &limits, false);
    submit(&rig, 0, 0x1, "y");
    assert_int_equal(scribe_stop(rig.scribe), 0);
    rig_fini(&rig);
}

/* ---- faults ---- */

static void fails_and_comes_back(_Atomic int *fault, int error)
{
    const struct limits limits = quick();
    struct rig rig;

    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    submit(&rig, 0, 0x1, "before");
    assert_true(turn_until(&rig, is_confirmed));
    *fault = error;
    submit(&rig, 0, 0x2, "during");
    submit(&rig, 1, 0x3, "during");
    assert_true(turn_until(&rig, is_failed));
    assert_int_equal(scribe_wait(rig.scribe), error);
    submit(&rig, 2, 0x4, "later");
    for (unsigned i = 0; i < 50; i++) /* some tries that change nothing */
        assert_int_equal(loop_turn(rig.loop, 1), 0);
    assert_true(is_failed(&rig));
    assert_int_equal(journal_of(&rig, 0)->confirmed, 1);
    assert_int_equal(journal_of(&rig, 1)->confirmed, 0);
    assert_int_equal(journal_of(&rig, 2)->confirmed, 0);
    assert_int_equal(scribe_figures(rig.scribe).error, error);
    *fault = 0;
    assert_true(turn_until(&rig, is_open));
    assert_true(turn_until(&rig, is_confirmed));
    submit(&rig, 0, 0x5, "after");
    assert_int_equal(scribe_stop(rig.scribe), 0);
    assert_string_equal(read_again(&rig), "1=before 2=during 3=during 4=later 5=after");
    rig_fini(&rig);
}

static void a_failed_sync_confirms_nothing_until_it_is_well_again(void **state)
{
    (void)state;
    fails_and_comes_back(&sync_error, -EIO);
}

static void so_does_a_failed_write(void **state)
{
    (void)state;
    fails_and_comes_back(&write_error, -EIO);
}

/* A disk that is full is no failure as long as there is something reserved; its end is one. */
static void a_disk_that_fails_to_the_end_is_said(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    submit(&rig, 0, 0x1, "before");
    assert_true(turn_until(&rig, is_confirmed));
    sync_error = -EIO;
    submit(&rig, 0, 0x2, "lost");
    assert_int_equal(scribe_stop(rig.scribe), -EIO);
    assert_int_equal(journal_of(&rig, 0)->confirmed, 1);
    sync_error = 0;
    rig_fini(&rig);
}

/* ---- the end, and waiting ---- */

static void stopping_writes_all(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    for (unsigned i = 1; i <= 9; i++)
        submit(&rig, i % SHARDS, i, "x");
    assert_int_equal(scribe_stop(rig.scribe), 0);
    assert_true(turn_until(&rig, is_confirmed)); /* the loops still have to deliver */
    assert_int_equal(scribe_figures(rig.scribe).waiting_bytes, 0);
    assert_string_equal(read_again(&rig), "1=x 2=x 3=x 4=x 5=x 6=x 7=x 8=x 9=x");
    rig_fini(&rig);
}

static void waiting_ends_when_all_is_confirmed(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    assert_int_equal(scribe_wait(rig.scribe), 0); /* nothing was submitted */
    for (unsigned i = 1; i <= 50; i++) {
        submit(&rig, i % SHARDS, 0x1, "x");
        assert_int_equal(scribe_wait(rig.scribe), 0);
        assert_int_equal(scribe_figures(rig.scribe).confirmed_frames, i);
        assert_int_equal(scribe_figures(rig.scribe).waiting_bytes, 0);
    }
    assert_int_equal(scribe_stop(rig.scribe), 0);
    rig_fini(&rig);
}

static void without_a_thread_nothing_is_written(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_stop(rig.scribe), 0);
    submit(&rig, 0, 0x1, "x");
    assert_int_equal(scribe_stop(rig.scribe), -ECANCELED);
    assert_int_equal(scribe_stop(NULL), 0);
    scribe_free(NULL);
    rig_fini(&rig);
}

/* A shard that could not make a frame: nothing behind it may be called durable. */
static void nothing_is_taken_behind_a_frame_that_is_missing(void **state)
{
    const struct limits limits = quick();
    struct rig rig;

    (void)state;
    rig_init(&rig, &limits);
    assert_int_equal(scribe_start(rig.scribe), 0);
    submit(&rig, 0, 0x1, "x");
    assert_true(turn_until(&rig, is_confirmed));
    rig.port.broken(rig.port.context, 1);
    assert_true(turn_until(&rig, is_failed)); /* all shards are to know */
    submit(&rig, 0, 0x2, "y");
    submit(&rig, 1, 0x3, "y");
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(loop_turn(rig.loop, 1), 0);
    assert_int_equal(journal_of(&rig, 0)->confirmed, 1);
    assert_int_equal(scribe_stop(rig.scribe), -ENOMEM);
    assert_string_equal(read_again(&rig), "1=x");
    rig_fini(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_of_all_shards_are_confirmed_in_order),
        cmocka_unit_test(an_empty_frame_waits_for_those_before_it),
        cmocka_unit_test(shared_frames_are_written_before_what_comes_behind),
        cmocka_unit_test(what_is_written_is_told_when_somebody_wants_to_know),
        cmocka_unit_test(what_comes_meanwhile_is_confirmed_together),
        cmocka_unit_test(waiting_gathers),
        cmocka_unit_test(a_failed_sync_confirms_nothing_until_it_is_well_again),
        cmocka_unit_test(so_does_a_failed_write),
        cmocka_unit_test(a_disk_that_fails_to_the_end_is_said),
        cmocka_unit_test(stopping_writes_all),
        cmocka_unit_test(waiting_ends_when_all_is_confirmed),
        cmocka_unit_test(without_a_thread_nothing_is_written),
        cmocka_unit_test(nothing_is_taken_behind_a_frame_that_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
