/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log_format.h"

#include "base/attrs.h"
#include "store/checksum.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* As docs/store-format.md has it. */
static const uint8_t header_bytes[] = {
    'T', 'A', 'C', 'I', 'T', 'L', 'O', 'G', 2, 0, 0, 0, 0, 0, 0, 0, /* magic, version */
    7,   0,   0,   0,   0,   0,   0,   0,                           /* number */
    9,   1,   0,   0,   0,   0,   0,   0,                           /* first sequence */
    5,   0,   0,   0,   0,   0,   0,   0,                           /* oldest */
    1,   2,   3,   4,   5,   6,   7,   8,                           /* mark */
    4,   3,   2,   1,   0,   0,   0,   0,                           /* created */
};
static const struct log_header header = { .version = 2,
                                          .number = 7,
                                          .first_sequence = 0x109,
                                          .oldest = 5,
                                          .mark = 0x0807060504030201,
                                          .created_ms = 0x01020304 };

static const uint8_t head_bytes[] = {
    'T', 'A', 'C', 'F', 3, 0, 0, 0, /* magic, length */
    1,   2,   3,   4,   5, 6, 7, 8, /* mark */
    9,   1,   0,   0,   0, 0, 0, 0, /* sequence */
    8,   1,   0,   0,   0, 0, 0, 0, /* confirmed */
    5,   0,   0,   0,   0, 0, 0, 0, /* oldest */
    1,   0,   0,   0,               /* flags */
    4,   3,   2,   1,               /* check sum of the operations */
};
static const struct log_head head = { .length = 3,
                                      .mark = 0x0807060504030201,
                                      .sequence = 0x109,
                                      .confirmed = 0x108,
                                      .oldest = 5,
                                      .flags = LOG_FORMAT_COPY,
                                      .ops_check = 0x01020304 };

static void the_bytes_are_those_of_the_document(void **state)
{
    (void)state;
    uint8_t out[LOG_FORMAT_HEADER_BYTES];
    uint8_t out_head[LOG_FORMAT_HEAD_BYTES];
    log_format_write_header(&header, out);
    assert_int_equal(sizeof(out), sizeof(header_bytes) + 4);
    assert_memory_equal(out, header_bytes, sizeof(header_bytes));
    log_format_write_head(&head, out_head);
    assert_int_equal(sizeof(out_head), sizeof(head_bytes) + 4);
    assert_memory_equal(out_head, head_bytes, sizeof(head_bytes));
    uint32_t check = checksum_crc32c(0, (struct mqtt_span){ header_bytes, sizeof(header_bytes) });
    assert_memory_equal(out + sizeof(header_bytes), &check, 4);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    uint8_t bytes[LOG_FORMAT_HEADER_BYTES];
    struct log_header read = { 0 };
    struct log_head read_head = { 0 };
    log_format_write_header(&header, bytes);
    assert_int_equal(log_format_read_header(bytes, &read), LOG_HEADER_GOOD);
    assert_memory_equal(&read, &header, sizeof(header));
    log_format_write_head(&head, bytes);
    assert_true(log_format_read_head(bytes, &read_head));
    assert_memory_equal(&read_head, &head, sizeof(head));
}

static void every_flipped_bit_is_noticed(void **state)
{
    (void)state;
    uint8_t bytes[LOG_FORMAT_HEADER_BYTES];
    struct log_header read;
    struct log_head read_head;
    log_format_write_header(&header, bytes);
    for (size_t bit = 0; bit < 8 * LOG_FORMAT_HEADER_BYTES; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_int_equal(log_format_read_header(bytes, &read), LOG_HEADER_BAD);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    log_format_write_head(&head, bytes);
    for (size_t bit = 0; bit < 8 * LOG_FORMAT_HEAD_BYTES; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(log_format_read_head(bytes, &read_head));
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

static void expect_header(struct log_header changed, enum log_header_verdict expected)
{
    uint8_t bytes[LOG_FORMAT_HEADER_BYTES];
    struct log_header read;
    log_format_write_header(&changed, bytes);
    assert_int_equal(log_format_read_header(bytes, &read), expected);
}

/* Whole by their check sums, and impossible all the same. */
static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    struct log_header h = header;
    h.version = 3;
    expect_header(h, LOG_HEADER_NEWER);
    h.version = 1;
    expect_header(h, LOG_HEADER_BAD);
    h = header;
    h.number = 0;
    expect_header(h, LOG_HEADER_BAD);
    h.number = LOG_FORMAT_MOST + 1;
    expect_header(h, LOG_HEADER_BAD);
    h = header;
    h.first_sequence = UINT64_MAX;
    expect_header(h, LOG_HEADER_BAD);
    h = header;
    h.oldest = h.number + 1;
    expect_header(h, LOG_HEADER_BAD);

    uint8_t bytes[LOG_FORMAT_HEAD_BYTES];
    struct log_head read;
    struct log_head changed = head;
    changed.length = STORE_FRAME_MOST_BYTES + 1;
    log_format_write_head(&changed, bytes);
    assert_false(log_format_read_head(bytes, &read));
    changed = head;
    changed.sequence = UINT64_MAX;
    log_format_write_head(&changed, bytes);
    assert_false(log_format_read_head(bytes, &read));
}

static void names(void **state)
{
    (void)state;
    char name[LOG_FORMAT_NAME_BYTES];
    log_format_segment_name(0x1a2b, name);
    assert_string_equal(name, "log-0000000000001a2b");
    assert_int_equal(log_format_segment_number(name), 0x1a2b);
    assert_int_equal(log_format_spare_number(name), 0);
    log_format_spare_name(3, name);
    assert_string_equal(name, "spare-0000000000000003");
    assert_int_equal(log_format_spare_number(name), 3);
    static const char *const others[] = { "",
                                          "log-",
                                          "log-00000000000000001",
                                          "log-0000000000001A2B",
                                          "log-000000000000001 ",
                                          "Log-0000000000000001",
                                          "log-0000000000000000",
                                          "log-ffffffffffffffff",
                                          "spare-000000000000001" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(others); i++) {
        assert_int_equal(log_format_segment_number(others[i]), 0);
        assert_int_equal(log_format_spare_number(others[i]), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bytes_are_those_of_the_document),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(every_flipped_bit_is_noticed),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
