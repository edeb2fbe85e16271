/* SPDX-License-Identifier: Apache-2.0 */
/* What is read of files that are torn, damaged, missing or newer: by store_scan(), and by the store
 * itself. */
#include "store/scan.h"

#include "base/testing.h"
#include "store/checksum.h"
#include "store/log_format.h"
#include "store/stand.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST  "log-0000000000000001"
#define SECOND "log-0000000000000002"
#define THIRD  "log-0000000000000003"
#define FRAMES 6

static struct stand stand;
static struct stand_frame *unconfirmed[FRAMES]; /* the store has them until it is closed */
static size_t unconfirmed_count;

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
    while (unconfirmed_count > 0)
        stand_frame_free(unconfirmed[--unconfirmed_count]);
    return 0;
}

/* Frames 1 to 3 in the first batch, 4 in the second, 5 and 6 in the third; `syncs` of the batches
 * are synced. Each frame puts the key of its number, and one that counts them all. */
static void write_frames(unsigned syncs)
{
    stand_hurry(&stand);
    static const size_t batches[] = { 3, 1, 2 };
    uint64_t number = 0;
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(batches); i++) {
        struct stand_frame *frames[3];
        for (size_t k = 0; k < batches[i]; k++) {
            char text[32];
            frames[k] = stand_frame_new();
            (void)snprintf(text, sizeof(text), "frame %u", (unsigned)++number);
            stand_put_text(frames[k], number, 0, text);
            stand_put_text(frames[k], 100, 0, text);
            if (k > 0)
                frames[k - 1]->frame.next = &frames[k]->frame;
        }
        assert_int_equal(store_write(stand.store, &frames[0]->frame), 0);
        if (i < syncs)
            assert_int_equal(store_sync(stand.store), 0);
        (void)stand_free_all(store_take_confirmed(stand.store));
        for (size_t k = 0; i >= syncs && k < batches[i]; k++)
            unconfirmed[unconfirmed_count++] = frames[k];
    }
}

/* What the store holds after the first `count` of these frames. */
static const char *expected_text(unsigned count)
{
    static char text[256];
    size_t len = 0;
    text[0] = '\0';
    for (unsigned i = 1; i <= count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, "%x=frame %u ", i, i);
    if (count > 0)
        (void)snprintf(text + len, sizeof(text) - len, "64=frame %u", count);
    return text;
}

struct found_frames {
    uint64_t ends[32];
    size_t count;
};

static int note_frame(void *context, const struct scan_frame *frame)
{
    struct found_frames *found = context;
    assert_int_equal(frame->sequence, found->count + 1);
    found->ends[found->count++] = frame->offset + LOG_FORMAT_HEAD_BYTES + frame->ops.len;
    return 0;
}

static void find_frames(struct found_frames *found)
{
    struct scan_summary summary;
    *found = (struct found_frames){ 0 };
    const struct scan_hooks hooks = { .context = found, .frame = note_frame };
    assert_int_equal(store_scan(&stand.files, &hooks, &summary), 0);
    assert_int_equal(summary.frames, found->count);
}

static bool is_padding(const struct found_frames *found, size_t at)
{
    if (at < LOG_FORMAT_FIRST_FRAME)
        return at >= LOG_FORMAT_HEADER_BYTES;
    for (size_t i = 0; i < found->count; i++) {
        if (at < found->ends[i])
            return i > 0 && i != 1 && i != 2 && i != 5
                   && at < log_format_round_up(found->ends[i - 1]) && at >= found->ends[i - 1];
    }
    return true;
}

/* Leaves the one file with these bytes. */
static void leave_file(const char *name, const uint8_t *bytes, size_t len)
{
    stand_close(&stand);
    for (unsigned i = 1; i < 6; i++) {
        char other[LOG_FORMAT_NAME_BYTES];
        log_format_segment_name(i, other);
        if (stand_has(&stand, other))
            stand_remove(&stand, other);
        log_format_spare_name(i, other);
        if (stand_has(&stand, other))
            stand_remove(&stand, other);
    }
    stand_spill(&stand, name, bytes, len);
}

static void a_scan_changes_nothing_and_tells_all(void **state)
{
    (void)state;
    struct found_frames found;
    write_frames(3);
    find_frames(&found);
    assert_int_equal(found.count, FRAMES);
    size_t len;
    uint8_t *before = stand_slurp(&stand, FIRST, &len);
    find_frames(&found);
    size_t after_len;
    uint8_t *after = stand_slurp(&stand, FIRST, &after_len);
    assert_int_equal(len, after_len);
    assert_memory_equal(before, after, len);
    free(before);
    free(after);
}

/* Unconfirmed frames only: whatever is cut, the whole frames before it are there, no damage. */
static void every_torn_tail_leaves_the_frames_before_it(void **state)
{
    (void)state;
    struct found_frames found;
    write_frames(0);
    find_frames(&found);
    assert_int_equal(found.count, FRAMES);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    size_t end = (size_t)found.ends[FRAMES - 1] + 2;
    for (size_t cut = LOG_FORMAT_FIRST_FRAME; cut <= end; cut++) {
        if (is_padding(&found, cut) && cut % 64 != 0)
            continue;
        unsigned whole = 0;
        while (whole < FRAMES && found.ends[whole] <= cut)
            whole++;
        leave_file(FIRST, bytes, cut);
        assert_int_equal(stand_open(&stand), 0);
        assert_int_equal(stand.damages, 0);
        assert_int_equal(stand.found.frames, whole);
        assert_string_equal(stand_text(&stand), expected_text(whole));
        /* It stays so, and what is written now is behind it. */
        stand_reopen(&stand);
        assert_int_equal(stand.damages, 0);
        assert_int_equal(stand.found.frames, whole);
        assert_int_equal(stand.found.torn_bytes, 0);
    }
    free(bytes);
}

/* The same with the rest of the file zero, as when only the size was synced. */
static void every_zeroed_tail_leaves_the_frames_before_it(void **state)
{
    (void)state;
    struct found_frames found;
    write_frames(0);
    find_frames(&found);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    for (size_t cut = (size_t)found.ends[FRAMES - 1]; cut >= LOG_FORMAT_FIRST_FRAME; cut -= 3) {
        unsigned whole = 0;
        while (whole < FRAMES && found.ends[whole] <= cut)
            whole++;
        memset(bytes + cut, 0, len - cut);
        leave_file(FIRST, bytes, len);
        assert_int_equal(stand_open(&stand), 0);
        assert_int_equal(stand.damages, 0);
        assert_true(stand.found.frames >= whole);
        assert_string_equal(stand_text(&stand), expected_text((unsigned)stand.found.frames));
    }
    free(bytes);
}

/* All was confirmed and there is a newer segment, in which frames 5 and 6 stand once more: each flip
 * before those is reported, and no other frames than those of the batch it hits are lost. */
static void every_flipped_byte_is_reported(void **state)
{
    (void)state;
    struct found_frames found;
    write_frames(3);
    find_frames(&found);
    stand_reopen(&stand);
    stand_close(&stand);
    size_t len;
    size_t second_len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    uint8_t *second = stand_slurp(&stand, SECOND, &second_len);
    for (size_t at = 0; at < found.ends[3] + 100; at++) {
        if (is_padding(&found, at) && at % 64 != 0)
            continue;
        bytes[at] ^= (uint8_t)(1u << at % 8);
        leave_file(FIRST, bytes, len);
        stand_spill(&stand, SECOND, second, second_len);
        bytes[at] ^= (uint8_t)(1u << at % 8);
        assert_int_equal(stand_open(&stand), 0);
        assert_int_equal(stand.damages, is_padding(&found, at) ? 0 : 1);
        if (stand.damages > 0) {
            assert_string_equal(stand.damaged_name, FIRST);
            assert_true(stand.damage.offset <= at);
        }
        assert_true(stand.found.frames >= FRAMES - 3);
        assert_non_null(strstr(stand_text(&stand), "64=frame 6"));
    }
    free(bytes);
    free(second);
}

/* The last segment, in which later frames tell of some that were confirmed. */
static void flips_in_the_last_segment_never_lose_what_is_witnessed_in_silence(void **state)
{
    (void)state;
    struct found_frames found;
    write_frames(3);
    find_frames(&found);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    for (size_t at = 0; at < found.ends[FRAMES - 1]; at++) {
        if (is_padding(&found, at))
            continue;
        bytes[at] ^= 0x40;
        leave_file(FIRST, bytes, len);
        bytes[at] ^= 0x40;
        assert_int_equal(stand_open(&stand), 0);
        /* Frames 5 and 6 say that 4 was confirmed. */
        if (stand.damages == 0)
            assert_true(at >= found.ends[3] && stand.found.frames >= 4);
    }
    free(bytes);
}

/* Any bytes at all: it neither crashes nor hangs, and afterwards the store works. */
static void random_bytes_are_survived(void **state)
{
    (void)state;
    struct test_random random = { .state = 7 };
    write_frames(3);
    stand_reopen(&stand);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    uint8_t *broken = malloc(len);
    for (unsigned round = 0; round < 200; round++) {
        memcpy(broken, bytes, len);
        for (unsigned i = 0; i < 1 + round % 40; i++)
            broken[test_random_below(&random, 4 * 4096)] = (uint8_t)test_random_next(&random);
        leave_file(FIRST, broken, len - test_random_below(&random, len));
        assert_int_equal(stand_open(&stand), 0);
        struct stand_frame *frame = stand_frame_new();
        stand_put_text(frame, 5, 0, "new");
        stand_commit(&stand, frame);
        stand_reopen(&stand);
        assert_non_null(strstr(stand_text(&stand), "5=new"));
    }
    free(broken);
    free(bytes);
}

static void a_missing_segment_is_named(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 6; i++) {
        struct stand_frame *frame = stand_frame_new();
        stand_put_text(frame, i, 0, "x");
        stand_commit(&stand, frame);
        if (i % 2 == 0 && i < 6)
            stand_reopen(&stand);
    }
    /* The last one of each segment stands in the next one, too. */
    stand_close(&stand);
    stand_remove(&stand, SECOND);
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.damages, 1);
    assert_string_equal(stand.damaged_name, SECOND);
    assert_string_equal(stand_text(&stand), "1=x 2=x 4=x 5=x 6=x");
    stand_close(&stand);
    stand_remove(&stand, FIRST);
    assert_int_equal(stand_open(&stand), 0);
    assert_string_equal(stand.damaged_name, FIRST);
    assert_string_equal(stand_text(&stand), "4=x 5=x 6=x");
}

static void the_front_may_go_when_it_is_not_needed(void **state)
{
    (void)state;
    struct stand_frame *frame = stand_frame_new();
    stand_put_text(frame, 1, 0, "x");
    stand_commit(&stand, frame);
    stand_close(&stand);
    size_t len;
    uint8_t *first = stand_slurp(&stand, FIRST, &len);
    assert_int_equal(stand_open(&stand), 0);
    frame = stand_frame_new();
    stand_drop(frame, 1);
    stand_commit(&stand, frame);
    while (store_tend(stand.store))
        ;
    assert_false(stand_has(&stand, FIRST));
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 0);
    while (store_tend(stand.store))
        ;
    assert_false(stand_has(&stand, SECOND));
    stand_close(&stand);
    /* As after a power cut that took back that it went: not even if the DROP has gone. */
    stand_spill(&stand, FIRST, first, len);
    free(first);
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.damages, 0);
    assert_string_equal(stand_text(&stand), "");
    while (store_tend(stand.store))
        ;
    assert_false(stand_has(&stand, FIRST));
}

static void a_newer_version_is_left_alone(void **state)
{
    (void)state;
    write_frames(3);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    struct log_header header;
    assert_int_equal(log_format_read_header(bytes, &header), LOG_HEADER_GOOD);
    header.version = STORE_VERSION + 1;
    log_format_write_header(&header, bytes);
    stand_spill(&stand, FIRST, bytes, len);
    assert_int_equal(stand_open(&stand), -EPROTO);
    assert_int_equal(stand.damages, 1);
    assert_string_equal(stand.damaged_name, FIRST);
    assert_false(stand_has(&stand, SECOND));
    size_t after_len;
    uint8_t *after = stand_slurp(&stand, FIRST, &after_len);
    assert_int_equal(after_len, len);
    assert_memory_equal(after, bytes, len);
    free(after);
    free(bytes);
}

/* A recycled file has whole frames of its earlier life behind the new ones. */
static void stale_frames_do_not_count(void **state)
{
    (void)state;
    write_frames(3);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    struct log_header header;
    assert_int_equal(log_format_read_header(bytes, &header), LOG_HEADER_GOOD);
    /* The same file begun anew, with and without a mark of its own. */
    for (unsigned i = 0; i < 2; i++) {
        header.first_sequence = 7;
        header.mark += i;
        log_format_write_header(&header, bytes);
        leave_file(FIRST, bytes, len);
        assert_int_equal(stand_open(&stand), 0);
        assert_int_equal(stand.damages, 0);
        assert_string_equal(stand_text(&stand), "");
        assert_int_equal(stand.found.frames, 0);
    }
    free(bytes);
}

static void frames_that_a_newer_segment_repeats_do_not_count(void **state)
{
    (void)state;
    struct scan_summary summary;
    write_frames(3);
    stand_reopen(&stand);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, SECOND, &len);
    struct log_header header;
    assert_int_equal(log_format_read_header(bytes, &header), LOG_HEADER_GOOD);
    assert_int_equal(header.first_sequence, 5);
    header.first_sequence = 3;
    log_format_write_header(&header, bytes);
    memset(bytes + LOG_FORMAT_FIRST_FRAME, 0, len - LOG_FORMAT_FIRST_FRAME);
    stand_spill(&stand, SECOND, bytes, len);
    free(bytes);
    assert_int_equal(store_scan(&stand.files, &(struct scan_hooks){ 0 }, &summary), 0);
    assert_int_equal(summary.frames, 2);
    assert_int_equal(summary.damages, 0);
    assert_int_equal(stand_open(&stand), 0);
    assert_string_equal(stand_text(&stand), expected_text(2));
    assert_true(stand_has(&stand, THIRD));
}

/* A whole frame of operations that are none is the writer's fault, and no reason to stop. */
static void a_frame_that_holds_no_operations_is_reported(void **state)
{
    (void)state;
    write_frames(3);
    stand_close(&stand);
    size_t len;
    uint8_t *bytes = stand_slurp(&stand, FIRST, &len);
    struct log_head head;
    assert_true(log_format_read_head(bytes + LOG_FORMAT_FIRST_FRAME, &head));
    struct log_head garbage = head;
    uint8_t *ops = bytes + LOG_FORMAT_FIRST_FRAME + LOG_FORMAT_HEAD_BYTES;
    garbage.length = 4;
    memcpy(ops, "\1\2\3\4", 4);
    garbage.ops_check = checksum_crc32c(0, (struct mqtt_span){ ops, 4 });
    log_format_write_head(&garbage, bytes + LOG_FORMAT_FIRST_FRAME);
    memset(ops + 4, 0, len - LOG_FORMAT_FIRST_FRAME - LOG_FORMAT_HEAD_BYTES - 4);
    leave_file(FIRST, bytes, len);
    free(bytes);
    assert_int_equal(stand_open(&stand), 0);
    assert_int_equal(stand.damages, 1);
    assert_int_equal(stand.damage.offset, LOG_FORMAT_FIRST_FRAME);
}

static void names_that_are_no_segments_are_nobodys_business(void **state)
{
    (void)state;
    static const char *const names[] = { "snapshot",
                                         "scram-secret",
                                         "log-1",
                                         "log-0000000000000001.damaged-1",
                                         "log-000000000000000G",
                                         "log-0000000000000000",
                                         "log-ffffffffffffffff" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++)
        stand_spill(&stand, names[i], (const uint8_t *)"?", 1);
    stand_reopen(&stand);
    assert_int_equal(stand.damages, 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++)
        assert_true(stand_has(&stand, names[i]));
}

static int stop_at_second(void *context, const struct scan_frame *frame)
{
    (void)context;
    return frame->sequence == 2 ? -ECANCELED : 0;
}

static void a_hook_can_end_it(void **state)
{
    (void)state;
    struct scan_summary summary;
    write_frames(3);
    const struct scan_hooks hooks = { .frame = stop_at_second };
    assert_int_equal(store_scan(&stand.files, &hooks, &summary), -ECANCELED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_scan_changes_nothing_and_tells_all),
        TEST(every_torn_tail_leaves_the_frames_before_it),
        TEST(every_zeroed_tail_leaves_the_frames_before_it),
        TEST(every_flipped_byte_is_reported),
        TEST(flips_in_the_last_segment_never_lose_what_is_witnessed_in_silence),
        TEST(random_bytes_are_survived),
        TEST(a_missing_segment_is_named),
        TEST(the_front_may_go_when_it_is_not_needed),
        TEST(a_newer_version_is_left_alone),
        TEST(stale_frames_do_not_count),
        TEST(frames_that_a_newer_segment_repeats_do_not_count),
        TEST(a_frame_that_holds_no_operations_is_reported),
        TEST(names_that_are_no_segments_are_nobodys_business),
        TEST(a_hook_can_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
