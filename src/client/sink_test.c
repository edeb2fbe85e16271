/* SPDX-License-Identifier: Apache-2.0 */
#include "client/sink.h"

#include "client/stand.h"

/* `front` bytes, a length, so many bytes behind it. */
static void put_block(struct tacit_sink *sink, const uint8_t *body, size_t len)
{
    tacit_put_number(sink, 0x10, 1);
    size_t begin = tacit_put_begin(sink);
    tacit_put(sink, body, len);
    tacit_put_end(sink, begin);
}

/* However long the length is, what follows it makes way; and what is measured is what is written. */
static void lengths_stand_before_what_they_measure(void **state)
{
    (void)state;
    static const struct {
        size_t len;
        size_t length_len;
        uint8_t length[4];
    } rows[] = {
        { 0, 1, { 0 } },
        { 127, 1, { 0x7f } },
        { 128, 2, { 0x80, 0x01 } },
        { 16383, 2, { 0xff, 0x7f } },
        { 16384, 3, { 0x80, 0x80, 0x01 } },
        { 2097152, 4, { 0x80, 0x80, 0x80, 0x01 } },
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        size_t whole = 1 + rows[i].length_len + rows[i].len;
        uint8_t *body = malloc(rows[i].len + 1);
        uint8_t *memory = malloc(whole);
        assert_non_null(body);
        assert_non_null(memory);
        memset(body, 0x5a, rows[i].len + 1);
        struct tacit_sink measured = { NULL, 0, 0 };
        struct tacit_sink sink = { memory, 0, whole };
        put_block(&measured, body, rows[i].len);
        put_block(&sink, body, rows[i].len);
        assert_int_equal(measured.len, whole);
        assert_int_equal(sink.len, whole);
        assert_memory_equal(memory + 1, rows[i].length, rows[i].length_len);
        assert_memory_equal(memory + 1 + rows[i].length_len, body, rows[i].len);
        free(memory);
        free(body);
    }
}

/* Memory that is too small by any number of bytes is not exceeded, and says so. */
static void what_does_not_fit_is_counted(void **state)
{
    (void)state;
    static const uint8_t body[200];
    for (size_t size = 0; size < 203; size++) {
        uint8_t *memory = malloc(size + 1);
        assert_non_null(memory);
        memory[size] = 0xee;
        struct tacit_sink sink = { memory, 0, size };
        put_block(&sink, body, sizeof(body));
        assert_int_equal(sink.len, 203);
        assert_int_equal(memory[size], 0xee);
        free(memory);
    }
}

static void numbers_and_strings(void **state)
{
    (void)state;
    static const struct tacit_bytes text = TACIT_LITERAL("abc");
    uint8_t memory[16];
    struct tacit_sink sink = { memory, 0, sizeof(memory) };
    tacit_put_number(&sink, 0x01020304, 4);
    tacit_put_number(&sink, 0x01020304, 2);
    tacit_put_number(&sink, 0x01020304, 0);
    tacit_put_string(&sink, &text);
    tacit_put_varint(&sink, 321);
    assert_int_equal(sink.len, 13);
    assert_memory_equal(memory, "\1\2\3\4\3\4\0\3abc\xc1\2", 13);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_stand_before_what_they_measure),
        cmocka_unit_test(what_does_not_fit_is_counted),
        cmocka_unit_test(numbers_and_strings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
