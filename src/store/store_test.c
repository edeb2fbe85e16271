/* SPDX-License-Identifier: Apache-2.0 */
#include "store/store.h"

#include "base/testing.h"
#include "store/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct stand stand;

static int set_up(void **state)
{
    (void)state;
    stand_init(&stand);
    return stand_open(&stand);
}

static int tear_down(void **state)
{
    (void)state;
    stand_fini(&stand);
    return 0;
}

static void commit_text(uint64_t key, uint64_t body, const char *text)
{
    struct stand_frame *frame = stand_frame_new();
    stand_put_text(frame, key, body, text);
    stand_commit(&stand, frame);
}

static void commit_drop(uint64_t key)
{
    struct stand_frame *frame = stand_frame_new();
    stand_drop(frame, key);
    stand_commit(&stand, frame);
}

static void an_empty_folder_becomes_a_store(void **state)
{
    (void)state;
    assert_int_equal(store_state(stand.store), STORE_OPEN);
    assert_int_equal(store_error(stand.store), 0);
    assert_string_equal(store_segment_name(stand.store), "log-0000000000000001");
    assert_true(stand_has(&stand, "log-0000000000000001"));
    assert_int_equal(stand.found.frames, 0);
    assert_int_equal(stand.damages, 0);
    assert_string_equal(stand_text(&stand), "");
    assert_int_equal(store_written_sequence(stand.store), 0);
    stand_reopen(&stand);
    assert_int_equal(stand.found.damages, 0);
}

static void what_was_confirmed_is_there(void **state)
{
    (void)state;
    struct stand_frame *frame = stand_frame_new();
    stand_put_text(frame, 2, 0, "two");
    stand_put_text(frame, 1, 0, "one");
    stand_put_text(frame, stand_session(7), 0, "");
    stand_commit(&stand, frame);
    commit_text(2, 0, "TWO");
    commit_drop(1);
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "2=TWO 1000000000000007=");
    assert_int_equal(stand.found.frames, 3);
    assert_int_equal(stand.found.things, 2);
    assert_int_equal(stand.found.highest[JOURNAL_META], 2);
    assert_int_equal(stand.found.highest[JOURNAL_SESSION], 7);
    assert_int_equal(stand.found.highest[JOURNAL_BODY], 0);
}

static void frames_come_back_in_their_order(void **state)
{
    (void)state;
    struct stand_frame *frames[5];
    for (size_t i = 0; i < 5; i++) {
        frames[i] = stand_frame_new();
        stand_put_text(frames[i], 1, 0, "x");
        if (i > 0 && i != 2)
            frames[i - 1]->frame.next = &frames[i]->frame;
    }
    assert_int_equal(store_write(stand.store, &frames[0]->frame), 0);
    assert_int_equal(store_written_sequence(stand.store), 2);
    assert_null(store_take_confirmed(stand.store));
    assert_int_equal(store_write(stand.store, &frames[2]->frame), 0);
    assert_int_equal(store_sync(stand.store), 0);
    struct store_frame *confirmed = store_take_confirmed(stand.store);
    uint64_t sequence = 0;
    for (struct store_frame *frame = confirmed; frame != NULL; frame = frame->next)
        assert_int_equal(frame->sequence, ++sequence);
    assert_int_equal(stand_free_all(confirmed), 5);
    assert_null(store_take_confirmed(stand.store));
}

static void a_body_is_there_as_long_as_it_is_needed(void **state)
{
    (void)state;
    struct stand_frame *frame = stand_frame_new();
    stand_put_text(frame, stand_body(1), 0, "body");
    stand_put_text(frame, stand_delivery(1), stand_body(1), "a");
    stand_put_text(frame, stand_delivery(2), stand_body(1), "b");
    stand_commit(&stand, frame);
    assert_int_equal(store_figures(stand.store).living_things, 3);
    commit_drop(stand_delivery(1));
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "6000000000000002=b/body");
    /* Within a frame it may be needed by nobody. */
    frame = stand_frame_new();
    stand_drop(frame, stand_delivery(2));
    stand_put_text(frame, stand_delivery(3), stand_body(1), "c");
    stand_commit(&stand, frame);
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "6000000000000003=c/body");
    /* The thing stays, its body goes. */
    commit_text(stand_delivery(3), 0, "released");
    assert_int_equal(store_figures(stand.store).living_things, 1);
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "6000000000000003=released");
}

static void closing_loses_nothing_that_was_written(void **state)
{
    (void)state;
    struct stand_frame *frame = stand_frame_new();
    stand_put_text(frame, 1, 0, "written");
    assert_int_equal(store_write(stand.store, &frame->frame), 0);
    stand_reopen(&stand);
    stand_frame_free(frame);
    assert_string_equal(stand_text(&stand), "1=written");
    assert_int_equal(stand.damages, 0);
}

static int stop_at_once(void *context, const struct store_thing *thing)
{
    uint64_t *seen = context;
    (void)thing;
    (*seen)++;
    return -ECANCELED;
}

static void a_frame_is_there_whole_or_not_at_all(void **state)
{
    (void)state;
    struct stand_frame *frame = stand_frame_new();
    for (uint64_t i = 1; i <= 50; i++)
        stand_put_text(frame, i, 0, "x");
    assert_int_equal(store_write(stand.store, &frame->frame), 0);
    stand_close(&stand);
    stand_frame_free(frame);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, "log-0000000000000001", &len);
    bytes[4096 + 1000] ^= 1;
    stand_spill(&stand, "log-0000000000000001", bytes, len);
    free(bytes);
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.found.things, 0);
    assert_true(stand.found.torn_bytes > 1000);
    assert_int_equal(stand.damages, 0);
}

/* More than a call to the files takes, and more than a segment holds. */
static void many_frames_at_once(void **state)
{
    (void)state;
    struct stand_frame *frames[500];
    static const uint8_t bytes[600];
    for (size_t i = 0; i < 500; i++) {
        frames[i] = stand_frame_new();
        stand_put(frames[i], i + 1, 0, (struct mqtt_span){ bytes, sizeof(bytes) });
        if (i > 0)
            frames[i - 1]->frame.next = &frames[i]->frame;
    }
    assert_int_equal(store_write(stand.store, &frames[0]->frame), 0);
    assert_int_equal(store_sync(stand.store), 0);
    assert_int_equal(stand_free_all(store_take_confirmed(stand.store)), 500);
    struct store_figures figures = store_figures(stand.store);
    assert_true(figures.written_bytes < 500 * (sizeof(bytes) + 80) + 10 * 4096);
    assert_int_equal(figures.frames, 500);
    stand_reopen(&stand);
    assert_int_equal(stand.found.frames, 500);
    assert_int_equal(stand.found.things, 500);
    assert_int_equal(stand.damages, 0);
}

static int check_long(void *context, const struct store_thing *thing)
{
    uint64_t *bytes = context;
    for (size_t i = 0; i < thing->bytes.len; i++)
        assert_int_equal(thing->bytes.data[i], (uint8_t)(i * 31));
    *bytes += thing->bytes.len;
    return 0;
}

static void a_long_frame_has_a_segment_of_its_own(void **state)
{
    (void)state;
    const size_t len = 10 * STORE_SEGMENT_LEAST + 77;
    uint8_t *bytes = malloc(len);
    assert_non_null(bytes);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)(i * 31);
    commit_text(stand_session(1), 0, "");
    struct stand_frame *frame = stand_frame_new();
    stand_put(frame, stand_session(2), 0, (struct mqtt_span){ bytes, len });
    stand_commit(&stand, frame);
    commit_text(stand_session(3), 0, "");
    stand_reopen(&stand);
    uint64_t seen = 0;
    assert_int_equal(store_each(stand.store, check_long, &seen), 0);
    assert_int_equal(seen, len);
    /* It is copied whole, too, when its turn comes. */
    store_set_bound(stand.store, len + len / 2);
    for (uint64_t i = 0; i < 200; i++) {
        frame = stand_frame_new();
        stand_put(frame, stand_session(4), 0, (struct mqtt_span){ bytes, 8000 });
        stand_commit(&stand, frame);
        while (store_tend(stand.store))
            ;
    }
    assert_true(store_figures(stand.store).copied_bytes > len);
    assert_false(stand_has(&stand, "log-0000000000000002"));
    stand_reopen(&stand);
    seen = 0;
    assert_int_equal(store_each(stand.store, check_long, &seen), 0);
    assert_int_equal(seen, len + 8000);
    free(bytes);
}

static void a_body_nobody_needs_goes_with_its_frame(void **state)
{
    (void)state;
    commit_text(stand_body(1), 0, "nobody's");
    assert_int_equal(store_figures(stand.store).living_things, 0);
    stand_reopen(&stand);
    assert_int_equal(stand.found.things, 0);
    assert_int_equal(stand.found.highest[JOURNAL_BODY], 1);
}

static void unknown_kinds_are_kept(void **state)
{
    (void)state;
    commit_text(UINT64_C(0xf000000000000001), 0, "of the future");
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "f000000000000001=of the future");
}

static void dropping_what_is_not_there_does_nothing(void **state)
{
    (void)state;
    commit_drop(stand_session(1));
    commit_drop(stand_body(1));
    commit_text(stand_delivery(1), 0, "x");
    stand_reopen(&stand);
    assert_string_equal(stand_text(&stand), "6000000000000001=x");
}

static void a_visitor_can_end_it(void **state)
{
    (void)state;
    commit_text(1, 0, "x");
    stand_reopen(&stand);
    uint64_t seen = 0;
    assert_int_equal(store_each(stand.store, stop_at_once, &seen), -ECANCELED);
    assert_int_equal(seen, 1);
}

static void a_record_that_changed_meanwhile_is_noticed(void **state)
{
    (void)state;
    commit_text(1, 0, "x");
    stand_reopen(&stand);
    uint8_t zeros[8192] = { 0 };
    stand_spill(&stand, "log-0000000000000002", zeros, sizeof(zeros));
    uint64_t seen = 0;
    assert_int_equal(store_each(stand.store, stop_at_once, &seen), -EBADMSG);
    stand_spill(&stand, "log-0000000000000002", zeros, 10);
    assert_int_equal(store_each(stand.store, stop_at_once, &seen), -EBADMSG);
    assert_int_equal(seen, 0);
}

static void options_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const uint64_t sizes[] = { 0, STORE_SEGMENT_LEAST - 4096, STORE_SEGMENT_LEAST + 1,
                                      UINT64_C(1) << 40 };
    stand_close(&stand);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(sizes); i++) {
        stand.options.segment_bytes = sizes[i];
        assert_int_equal(stand_open(&stand), -EINVAL);
    }
}

static void another_size_of_segments(void **state)
{
    (void)state;
    commit_text(1, 0, "x");
    while (store_tend(stand.store))
        ;
    assert_int_equal(stand_count(&stand, "spare-"), 1);
    stand.options.segment_bytes = 3 * STORE_SEGMENT_LEAST;
    stand_reopen(&stand);
    assert_int_equal(stand_count(&stand, "spare-"), 0);
    assert_string_equal(stand_text(&stand), "1=x");
    while (store_tend(stand.store))
        ;
    assert_int_equal(store_figures(stand.store).bytes, 6 * STORE_SEGMENT_LEAST);
}

static size_t size_of(const char *name)
{
    size_t len;
    free(stand_slurp(&stand, name, &len));
    return len;
}

static void a_closed_store_keeps_no_unused_space(void **state)
{
    (void)state;
    stand_reopen(&stand);
    assert_int_equal(size_of("log-0000000000000001"), STORE_BLOCK_BYTES);
    commit_text(1, 0, "x");
    assert_int_equal(size_of("log-0000000000000002"), STORE_SEGMENT_LEAST);
    stand_reopen(&stand);
    assert_int_equal(size_of("log-0000000000000002"), 2 * STORE_BLOCK_BYTES);
    assert_int_equal(stand.found.damages, 0);
    assert_string_equal(stand_text(&stand), "1=x");
}

static int never(struct file *file, uint64_t bytes)
{
    (void)file;
    (void)bytes;
    return -EIO;
}

static void unused_space_that_stays_is_read(void **state)
{
    (void)state;
    stand.options.files.truncate = never;
    stand_reopen(&stand);
    commit_text(1, 0, "x");
    stand_close(&stand);
    assert_int_equal(size_of("log-0000000000000002"), STORE_SEGMENT_LEAST);
    stand.options.files.truncate = stand.files.truncate;
    assert_int_equal(stand_open(&stand), 0);
    assert_string_equal(stand_text(&stand), "1=x");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_folder_becomes_a_store),
        TEST(what_was_confirmed_is_there),
        TEST(frames_come_back_in_their_order),
        TEST(a_body_is_there_as_long_as_it_is_needed),
        TEST(closing_loses_nothing_that_was_written),
        TEST(a_frame_is_there_whole_or_not_at_all),
        TEST(many_frames_at_once),
        TEST(a_long_frame_has_a_segment_of_its_own),
        TEST(a_body_nobody_needs_goes_with_its_frame),
        TEST(unknown_kinds_are_kept),
        TEST(dropping_what_is_not_there_does_nothing),
        TEST(a_visitor_can_end_it),
        TEST(a_record_that_changed_meanwhile_is_noticed),
        TEST(options_that_make_no_sense_are_refused),
        TEST(another_size_of_segments),
        TEST(a_closed_store_keeps_no_unused_space),
        TEST(unused_space_that_stays_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
