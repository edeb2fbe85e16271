/* SPDX-License-Identifier: Apache-2.0 */
#include "store/snapshot_writer.h"

#include "base/attrs.h"
#include "store/snapshot_format.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define CREATED_MS INT64_C(1700000000123)

static const char *const records[] = { "first", "", "the third record, somewhat longer", "x" };
#define RECORD_COUNT MQTT_ARRAY_LEN(records)

static char folder[64];
static char file[80];

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(folder, sizeof(folder), "/tmp/tacit-snapshot-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    (void)snprintf(file, sizeof(file), "%s/s", folder);
    return 0;
}

static void remove_damaged(void)
{
    char name[120];
    for (int i = 1; i < 8; i++) {
        (void)snprintf(name, sizeof(name), "%s.damaged-%d", file, i);
        (void)unlink(name);
    }
}

static int tear_down(void **state)
{
    (void)state;
    (void)unlink(file);
    remove_damaged();
    return rmdir(folder); /* fails, and so does the test, if anything else was left behind */
}

static void write_records(void)
{
    struct snapshot_writer *writer;
    assert_int_equal(snapshot_writer_open(file, CREATED_MS, &writer), 0);
    for (size_t i = 0; i < RECORD_COUNT; i++)
        assert_int_equal(snapshot_writer_add(writer, span_of(records[i])), 0);
    assert_int_equal(snapshot_writer_commit(writer), 0);
}

static size_t slurp(uint8_t out[512])
{
    FILE *f = fopen(file, "r");
    assert_non_null(f);
    size_t len = fread(out, 1, 512, f);
    (void)fclose(f);
    return len;
}

static void spill(const uint8_t *bytes, size_t len)
{
    FILE *f = fopen(file, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, len, f), len);
    (void)fclose(f);
}

struct tally {
    size_t seen;
    size_t stop_at; /* 0: never */
};

/* What is delivered is a prefix of what was written, bit by bit. */
static int check_record(void *context, struct mqtt_span record, int64_t created_ms)
{
    struct tally *tally = context;
    assert_int_equal(created_ms, CREATED_MS);
    assert_true(tally->seen < RECORD_COUNT);
    assert_true(span_equal(record, span_of(records[tally->seen])));
    tally->seen++;
    return tally->stop_at != 0 && tally->seen == tally->stop_at ? -ECANCELED : 0;
}

static void what_was_written_is_read(void **state)
{
    (void)state;
    struct snapshot_report report;
    struct tally tally = { 0 };
    struct stat status;
    write_records();
    assert_int_equal(stat(file, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), 0);
    assert_int_equal(tally.seen, RECORD_COUNT);
    assert_int_equal(report.record_count, RECORD_COUNT);
    assert_int_equal(report.created_ms, CREATED_MS);
    assert_null(report.damage);
}

static void an_empty_snapshot_is_one(void **state)
{
    (void)state;
    struct snapshot_writer *writer;
    struct snapshot_report report;
    struct tally tally = { 0 };
    assert_int_equal(snapshot_writer_open(file, CREATED_MS, &writer), 0);
    assert_int_equal(snapshot_writer_commit(writer), 0);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), 0);
    assert_int_equal(report.record_count, 0);
}

static void the_bytes_are_those_of_the_document(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct snapshot_writer *writer;
    static const uint8_t start[] = { 'T', 'A', 'C', 'I', 'T', 'S', 'N', 'P', 1, 0, 0, 0,
                                     0,   0,   0,   0,   2,   1,   0,   0,   0, 0, 0, 0 };
    assert_int_equal(snapshot_writer_open(file, 0x102, &writer), 0);
    assert_int_equal(snapshot_writer_add(writer, span_of("abc")), 0);
    assert_int_equal(snapshot_writer_commit(writer), 0);
    assert_int_equal(slurp(bytes), 28 + 8 + 3 + 20);
    assert_memory_equal(bytes, start, sizeof(start));
    assert_memory_equal(bytes + 28, "\3\0\0\0", 4);
    assert_memory_equal(bytes + 36, "abc", 3);
    assert_memory_equal(bytes + 39, "\xff\xff\xff\xff\1\0\0\0\0\0\0\0", 12);
}

static void nothing_there(void **state)
{
    (void)state;
    struct snapshot_report report;
    struct tally tally = { 0 };
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), -ENOENT);
    assert_int_equal(snapshot_read(folder, check_record, &tally, &report), -EISDIR);
}

/* Where record `i` begins. */
static size_t offset_of(size_t i)
{
    size_t at = SNAPSHOT_FORMAT_HEADER_BYTES;
    for (size_t k = 0; k < i; k++)
        at += SNAPSHOT_FORMAT_FRAME_BYTES + strlen(records[k]);
    return at;
}

static void expect_damage(size_t max_offset)
{
    struct snapshot_report report;
    struct tally tally = { 0 };
    char expected[120];
    (void)snprintf(expected, sizeof(expected), "%s.damaged-1", file);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), -EBADMSG);
    assert_non_null(report.damage);
    assert_int_equal(report.record_count, tally.seen);
    assert_true(report.damage_offset <= max_offset);
    assert_true(report.damage_offset == 0 || report.damage_offset >= offset_of(tally.seen));
    assert_string_equal(report.kept_aside, expected);
    assert_int_equal(access(expected, F_OK), 0);
    assert_int_equal(access(file, F_OK), -1);
    remove_damaged();
}

static void every_truncation_is_noticed_and_the_rest_delivered(void **state)
{
    (void)state;
    uint8_t bytes[512];
    write_records();
    size_t len = slurp(bytes);
    for (size_t cut = 0; cut < len; cut++) {
        size_t whole = 0;
        while (whole < RECORD_COUNT && offset_of(whole + 1) <= cut)
            whole++;
        spill(bytes, cut);
        struct snapshot_report report;
        struct tally tally = { 0 };
        assert_int_equal(snapshot_read(file, check_record, &tally, &report), -EBADMSG);
        assert_int_equal(tally.seen, cut < offset_of(0) ? 0 : whole);
        assert_int_equal(report.damage_offset, cut < offset_of(0) ? 0 : offset_of(whole));
        remove_damaged();
    }
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    uint8_t bytes[512];
    write_records();
    size_t len = slurp(bytes);
    for (size_t bit = 0; bit < 8 * len; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        spill(bytes, len);
        expect_damage(bit / 8);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void bytes_after_the_end_are_noticed(void **state)
{
    (void)state;
    uint8_t bytes[513];
    write_records();
    size_t len = slurp(bytes);
    bytes[len] = 0;
    spill(bytes, len + 1);
    expect_damage(len);
}

static void a_record_left_out_is_noticed(void **state)
{
    (void)state;
    uint8_t bytes[512];
    write_records();
    size_t len = slurp(bytes);
    size_t from = offset_of(RECORD_COUNT - 1);
    size_t to = offset_of(RECORD_COUNT);
    memmove(bytes + from, bytes + to, len - to);
    spill(bytes, len - (to - from));
    expect_damage(from);
}

static void damaged_files_do_not_replace_each_other(void **state)
{
    (void)state;
    char second[120];
    struct snapshot_report report;
    struct tally tally = { 0 };
    (void)snprintf(second, sizeof(second), "%s.damaged-2", file);
    spill((const uint8_t *)"one", 3);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), -EBADMSG);
    spill((const uint8_t *)"other", 5);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), -EBADMSG);
    assert_string_equal(report.kept_aside, second);
}

static void a_newer_version_is_left_alone(void **state)
{
    (void)state;
    uint8_t bytes[512];
    struct snapshot_report report;
    struct tally tally = { 0 };
    write_records();
    size_t len = slurp(bytes);
    snapshot_format_write_header(
        &(struct snapshot_header){ .version = SNAPSHOT_VERSION + 1, .created_ms = 5 }, bytes);
    spill(bytes, len);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), -EPROTO);
    assert_int_equal(tally.seen, 0);
    assert_int_equal(access(file, F_OK), 0);
}

static void the_visitor_can_stop(void **state)
{
    (void)state;
    struct snapshot_report report;
    struct tally tally = { .stop_at = 2 };
    write_records();
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), -ECANCELED);
    assert_int_equal(tally.seen, 2);
    assert_int_equal(access(file, F_OK), 0);
}

static void what_is_not_committed_changes_nothing(void **state)
{
    (void)state;
    struct snapshot_writer *writer;
    struct snapshot_report report;
    struct tally tally = { 0 };
    write_records();
    assert_int_equal(snapshot_writer_open(file, 1, &writer), 0);
    assert_int_equal(snapshot_writer_add(writer, span_of("other")), 0);
    snapshot_writer_abort(writer);
    snapshot_writer_abort(NULL);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), 0);
    assert_int_equal(tally.seen, RECORD_COUNT);
}

/* As after a crash: the temporary file of the last attempt is still there. */
static void an_interrupted_attempt_is_no_obstacle(void **state)
{
    (void)state;
    char temporary[120];
    (void)snprintf(temporary, sizeof(temporary), "%s.new", file);
    FILE *f = fopen(temporary, "w");
    assert_non_null(f);
    (void)fclose(f);
    write_records();
    assert_int_equal(access(temporary, F_OK), -1);
}

static void a_full_disk_leaves_the_older_one(void **state)
{
    (void)state;
    struct snapshot_writer *writer;
    struct snapshot_report report;
    struct tally tally = { 0 };
    struct rlimit old;
    write_records();

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    struct rlimit small = { .rlim_cur = 100, .rlim_max = old.rlim_max };
    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(snapshot_writer_open(file, 1, &writer), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    uint8_t *record = calloc(1, 1000);
    assert_int_equal(snapshot_writer_add(writer, (struct mqtt_span){ record, 1000 }), 0);
    int error = snapshot_writer_commit(writer);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    free(record);
    assert_int_equal(error, -EFBIG);
    assert_int_equal(snapshot_read(file, check_record, &tally, &report), 0);
    assert_int_equal(tally.seen, RECORD_COUNT);
}

static void a_failure_sticks(void **state)
{
    (void)state;
    struct snapshot_writer *writer;
    const uint8_t byte = 0;
    struct mqtt_span huge = { &byte, (size_t)SNAPSHOT_RECORD_MAX_BYTES + 1 };
    assert_int_equal(snapshot_writer_open(file, 1, &writer), 0);
    assert_int_equal(snapshot_writer_add(writer, huge), -EMSGSIZE);
    assert_int_equal(snapshot_writer_add(writer, span_of("fine")), -EMSGSIZE);
    assert_int_equal(snapshot_writer_commit(writer), -EMSGSIZE);
    assert_int_equal(access(file, F_OK), -1);
    assert_int_equal(snapshot_writer_open("/nowhere/at/all", 1, &writer), -ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read),
        TEST(an_empty_snapshot_is_one),
        TEST(the_bytes_are_those_of_the_document),
        TEST(nothing_there),
        TEST(every_truncation_is_noticed_and_the_rest_delivered),
        TEST(every_flipped_bit_is_noticed),
        TEST(bytes_after_the_end_are_noticed),
        TEST(a_record_left_out_is_noticed),
        TEST(damaged_files_do_not_replace_each_other),
        TEST(a_newer_version_is_left_alone),
        TEST(the_visitor_can_stop),
        TEST(what_is_not_committed_changes_nothing),
        TEST(an_interrupted_attempt_is_no_obstacle),
        TEST(a_full_disk_leaves_the_older_one),
        TEST(a_failure_sticks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
