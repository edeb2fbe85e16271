/* SPDX-License-Identifier: Apache-2.0 */
/* A disk that refuses: each call to the files in turn, once and for good. */
#include "store/scan.h"
#include "store/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FRAMES 60

/* Calls fail from number `fails_at` on, `fails` of them. */
static struct {
    struct files real;
    unsigned calls;
    unsigned fails_at;
    unsigned fails;
    int error;
    bool only_reads;
} faults;

static struct stand stand;
static struct stand_frame *given[FRAMES + 1]; /* by sequence of the caller's, from 1 */
static unsigned given_count;
static unsigned confirmed_count;

static int fault(bool is_read)
{
    if (is_read != faults.only_reads)
        return 0;
    unsigned call = faults.calls++;
    bool fails = call >= faults.fails_at && call - faults.fails_at < faults.fails;
    return fails ? faults.error : 0;
}

static int open_or_not(void *context, const char *name, enum file_use use, struct file **out)
{
    int error = fault(use == FILE_READ);
    return error < 0 ? error : faults.real.open(context, name, use, out);
}

static int64_t read_or_not(struct file *file, uint64_t offset, void *into, size_t len)
{
    int error = fault(true);
    return error < 0 ? error : faults.real.read(file, offset, into, len);
}

/* What was written of it is anybody's guess: half. */
static int write_or_not(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                        size_t count)
{
    int error = fault(false);
    if (error < 0)
        (void)faults.real.write(file, offset, pieces, count / 2);
    return error < 0 ? error : faults.real.write(file, offset, pieces, count);
}

static int sync_or_not(struct file *file)
{
    (void)file;
    return fault(false);
}

static int reserve_or_not(struct file *file, uint64_t bytes)
{
    int error = fault(false);
    return error < 0 ? error : faults.real.truncate(file, bytes);
}

static int truncate_or_not(struct file *file, uint64_t bytes)
{
    int error = fault(false);
    return error < 0 ? error : faults.real.truncate(file, bytes);
}

static int rename_or_not(void *context, const char *from, const char *to)
{
    int error = fault(false);
    return error < 0 ? error : faults.real.rename(context, from, to);
}

static int remove_or_not(void *context, const char *name)
{
    int error = fault(false);
    return error < 0 ? error : faults.real.remove(context, name);
}

static int sync_folder_or_not(void *context)
{
    (void)context;
    return fault(false);
}

static void begin(unsigned fails_at, unsigned fails, int error)
{
    stand_init(&stand);
    stand.options.most_bytes = 500 * 1024;
    faults.real = stand.files;
    faults.calls = 0;
    faults.fails_at = fails_at;
    faults.fails = fails;
    faults.error = error;
    faults.only_reads = false;
    struct files *files = &stand.options.files;
    files->open = open_or_not;
    files->read = read_or_not;
    files->write = write_or_not;
    files->sync = sync_or_not;
    files->reserve = reserve_or_not;
    files->truncate = truncate_or_not;
    files->rename = rename_or_not;
    files->remove = remove_or_not;
    files->sync_folder = sync_folder_or_not;
    given_count = confirmed_count = 0;
}

static void end(void)
{
    /* Some are in the store still. */
    store_close(stand.store);
    stand.store = NULL;
    for (unsigned i = 1; i <= given_count; i++)
        stand_frame_free(given[i]);
    stand_fini(&stand);
}

/* Success or failure: the state says the same. */
static void tried(int result)
{
    assert_true(result == 0 ? store_state(stand.store) != STORE_FAILED
                            : store_state(stand.store) != STORE_OPEN);
}

/* Frames come back in their order, each once. */
static void take_confirmed(void)
{
    struct store_frame *frame = store_take_confirmed(stand.store);
    for (; frame != NULL; frame = frame->next)
        assert_ptr_equal(frame, &given[++confirmed_count]->frame);
}

/* Frame n sets thing n, a counter, and drops the thing three before, so that segments empty. */
static void give_frame(void)
{
    static uint8_t bytes[9000];
    unsigned n = ++given_count;
    struct stand_frame *frame = given[n] = stand_frame_new();
    memcpy(bytes, &n, sizeof(n));
    stand_put(frame, 1, 0, (struct mqtt_span){ bytes, sizeof(n) });
    stand_put(frame, stand_body(n), 0, (struct mqtt_span){ bytes, sizeof(bytes) });
    stand_put(frame, stand_delivery(n), stand_body(n), (struct mqtt_span){ bytes, 4 });
    if (n > 3 && n % 8 != 0)
        stand_drop(frame, stand_delivery(n - 3));
    tried(store_write(stand.store, &frame->frame));
}

struct expected {
    unsigned count; /* frames that are there */
    unsigned seen;  /* deliveries */
};

static int check_thing(void *context, const struct store_thing *thing)
{
    struct expected *expected = context;
    unsigned n;
    memcpy(&n, thing->bytes.data, sizeof(n));
    if (thing->key == 1) {
        expected->count = n;
        return 0;
    }
    assert_int_equal(journal_number_of(thing->key), n);
    assert_int_equal(thing->body.len, 9000);
    assert_memory_equal(thing->body.data, thing->bytes.data, sizeof(n));
    assert_true(n <= expected->count);
    /* Frame n + 3 drops it, but every eighth. */
    assert_true(n + 3 > expected->count || (n + 3) % 8 == 0);
    expected->seen++;
    return 0;
}

/* Exactly the first so many frames are there, among them all that are confirmed. */
static void check_prefix(unsigned least)
{
    struct expected expected = { 0 };
    assert_int_equal(store_each(stand.store, check_thing, &expected), 0);
    assert_true(expected.count >= least && expected.count <= given_count);
    unsigned lives = 0;
    for (unsigned n = 1; n <= expected.count; n++)
        lives += n + 3 > expected.count || (n + 3) % 8 == 0;
    assert_int_equal(expected.seen, lives);
}

static void work(void)
{
    for (unsigned i = 0; i < FRAMES; i++) {
        give_frame();
        if (i % 3 != 1)
            tried(store_sync(stand.store));
        take_confirmed();
        (void)store_tend(stand.store);
        if (i % 5 == 4 && store_state(stand.store) != STORE_OPEN) {
            assert_true(store_state(stand.store) != STORE_FAILED || store_error(stand.store) < 0);
            tried(store_retry(stand.store));
        }
        take_confirmed();
    }
}

static void recover(void)
{
    faults.fails = 0;
    for (unsigned i = 0; i < 3 && store_state(stand.store) != STORE_OPEN; i++)
        tried(store_retry(stand.store));
    assert_int_equal(store_state(stand.store), STORE_OPEN);
    assert_int_equal(store_error(stand.store), 0);
    assert_int_equal(store_sync(stand.store), 0);
    take_confirmed();
    assert_int_equal(confirmed_count, given_count);
}

static void reopen_without_faults(void)
{
    faults.fails = 0;
    store_close(stand.store);
    stand.store = NULL;
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.damages, 0);
    assert_int_equal(stand.found.lost_bodies, 0);
    check_prefix(confirmed_count);
    assert_true(stand_count(&stand, "") <= 16);
}

static unsigned calls_without_faults(void)
{
    begin(0, 0, 0);
    assert_int_equal(stand_open(&stand), 0);
    work();
    recover();
    reopen_without_faults();
    unsigned calls = faults.calls;
    end();
    return calls;
}

static void each_call_fails(unsigned fails, int error)
{
    unsigned calls = calls_without_faults();
    assert_true(calls > 100);
    for (unsigned at = 0; at < calls; at++) {
        begin(at, fails, error);
        int opened = stand_open(&stand);
        assert_true(opened == 0);
        work();
        recover();
        reopen_without_faults();
        end();
    }
}

static void each_call_fails_once(void **state)
{
    (void)state;
    each_call_fails(1, -EIO);
}

static void each_call_fails_for_want_of_space(void **state)
{
    (void)state;
    each_call_fails(1, -ENOSPC);
}

static void each_call_and_those_after_it_fail(void **state)
{
    (void)state;
    each_call_fails(7, -EIO);
    each_call_fails(40, -EROFS);
}

/* The process ends while the disk refuses. */
static void what_is_confirmed_outlives_the_failure(void **state)
{
    (void)state;
    unsigned calls = calls_without_faults();
    for (unsigned at = 0; at < calls; at++) {
        begin(at, UINT32_MAX, -EIO);
        assert_int_equal(stand_open(&stand), 0);
        work();
        reopen_without_faults();
        end();
    }
}

/* However often it is tried in vain. */
static void retries_leave_no_files_behind(void **state)
{
    (void)state;
    begin(0, 0, -EIO);
    assert_int_equal(stand_open(&stand), 0);
    give_frame();
    assert_int_equal(store_sync(stand.store), 0);
    for (unsigned failing = 0; failing < 12; failing++) {
        give_frame();
        assert_int_equal(store_state(stand.store), failing == 0 ? STORE_OPEN : STORE_FAILED);
        for (unsigned i = 0; i < 10; i++) {
            faults.fails_at = faults.calls + failing;
            faults.fails = 1;
            if (store_state(stand.store) == STORE_OPEN)
                tried(store_sync(stand.store));
            else
                tried(store_retry(stand.store));
        }
        faults.fails_at = 0;
        faults.fails = UINT32_MAX;
        tried(store_sync(stand.store));
        take_confirmed();
        assert_true(stand_count(&stand, "") <= 12);
        give_frame();
        tried(store_sync(stand.store));
    }
    recover();
    while (store_tend(stand.store))
        ;
    assert_true(stand_count(&stand, "") <= 6);
    reopen_without_faults();
    end();
}

static void a_read_only_disk_is_opened_all_the_same(void **state)
{
    (void)state;
    begin(0, 0, -EROFS);
    assert_int_equal(stand_open(&stand), 0);
    give_frame();
    assert_int_equal(store_sync(stand.store), 0);
    take_confirmed();
    faults.fails = UINT32_MAX;
    store_close(stand.store);
    stand.store = NULL;
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(store_state(stand.store), STORE_FAILED);
    assert_int_equal(store_error(stand.store), -EROFS);
    check_prefix(1);
    assert_int_equal(store_retry(stand.store), -EROFS);
    give_frame();
    assert_int_equal(store_sync(stand.store), -EROFS);
    assert_false(store_tend(stand.store));
    recover();
    reopen_without_faults();
    end();
}

static void a_folder_that_denies_is_refused(void **state)
{
    (void)state;
    begin(0, UINT32_MAX, -EACCES);
    assert_int_equal(stand_open(&stand), -EACCES);
    assert_null(stand.store);
    end();
}

/* What cannot be read is reported, and is there again when the disk has changed its mind. */
static void unreadable_parts_are_damages(void **state)
{
    (void)state;
    begin(0, 0, -EIO);
    assert_int_equal(stand_open(&stand), 0);
    for (unsigned i = 0; i < 4; i++) {
        give_frame();
        assert_int_equal(store_sync(stand.store), 0);
    }
    take_confirmed();
    store_close(stand.store);
    stand.store = NULL;
    faults.only_reads = true;
    for (unsigned at = 0; at < 12; at++) {
        faults.calls = 0;
        faults.fails_at = at;
        faults.fails = 2;
        assert_int_equal(stand_open(&stand), 0);
        assert_int_equal(store_state(stand.store), STORE_OPEN);
        assert_true(stand.damages > 0 || faults.calls <= at);
        store_close(stand.store);
        stand.store = NULL;
    }
    faults.fails = 0;
    assert_int_equal(stand_open(&stand), 0);
    check_prefix(4);
    end();
}

/* A failed sync may leave pages that can be read and will never be written. So the frames that
 * nothing says to be confirmed are written anew; those in the old place do not count any more. */
static void an_unconfirmed_tail_is_written_again(void **state)
{
    (void)state;
    struct scan_summary summary;
    begin(0, 0, -EIO);
    assert_int_equal(stand_open(&stand), 0);
    give_frame();
    assert_int_equal(store_sync(stand.store), 0);
    take_confirmed();
    give_frame();
    faults.fails_at = faults.calls;
    faults.fails = 1;
    assert_int_equal(store_sync(stand.store), -EIO);
    store_close(stand.store);
    stand.store = NULL;
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, "log-0000000000000001", &len);
    assert_int_equal(stand_open(&stand), 0);
    check_prefix(2);
    store_close(stand.store);
    stand.store = NULL;
    /* As if only the first block of the file had ever been on the disk after the first frame. */
    memset(bytes + 4096 + 3 * 4096, 0, len - 4 * 4096);
    stand_spill(&stand, "log-0000000000000001", bytes, len);
    free(bytes);
    assert_int_equal(store_scan(&stand.files, &(struct scan_hooks){ 0 }, &summary), 0);
    assert_int_equal(summary.frames, 2);
    assert_int_equal(summary.damages, 0);
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.damages, 0);
    check_prefix(2);
    end();
}

/* What is applied once more must not let go, in the middle, of a body that is needed behind it. */
static void frames_are_applied_twice_with_the_same_end(void **state)
{
    (void)state;
    begin(0, 0, -EIO);
    assert_int_equal(stand_open(&stand), 0);
    struct stand_frame *frame = stand_frame_new();
    stand_put_text(frame, stand_body(1), 0, "body");
    stand_put_text(frame, stand_delivery(1), stand_body(1), "a");
    stand_put_text(frame, stand_delivery(2), stand_body(1), "b");
    stand_commit(&stand, frame);
    struct stand_frame *frames[3];
    for (size_t i = 0; i < 3; i++)
        frames[i] = stand_frame_new();
    stand_drop(frames[0], stand_delivery(2));
    stand_put_text(frames[1], stand_delivery(2), stand_body(1), "c");
    stand_drop(frames[2], stand_delivery(1));
    frames[0]->frame.next = &frames[1]->frame;
    frames[1]->frame.next = &frames[2]->frame;
    assert_int_equal(store_write(stand.store, &frames[0]->frame), 0);
    faults.fails_at = faults.calls;
    faults.fails = 1;
    assert_int_equal(store_sync(stand.store), -EIO);
    assert_int_equal(store_retry(stand.store), 0);
    assert_int_equal(stand_free_all(store_take_confirmed(stand.store)), 3);
    assert_int_equal(store_figures(stand.store).living_things, 2);
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "6000000000000002=c/body");
    stand_reopen(&stand);
    assert_int_equal(stand.found.lost_bodies, 0);
    assert_string_equal(stand_text(&stand), "6000000000000002=c/body");
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_fails_once),
        cmocka_unit_test(each_call_fails_for_want_of_space),
        cmocka_unit_test(each_call_and_those_after_it_fail),
        cmocka_unit_test(what_is_confirmed_outlives_the_failure),
        cmocka_unit_test(retries_leave_no_files_behind),
        cmocka_unit_test(a_read_only_disk_is_opened_all_the_same),
        cmocka_unit_test(a_folder_that_denies_is_refused),
        cmocka_unit_test(unreadable_parts_are_damages),
        cmocka_unit_test(an_unconfirmed_tail_is_written_again),
        cmocka_unit_test(frames_are_applied_twice_with_the_same_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
