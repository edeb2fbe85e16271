/* SPDX-License-Identifier: Apache-2.0 */
/* Operations of a frame: what was written comes back, and what was not is refused. */
#include "core/journal_op.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST_OPS   64u
#define MOST_BYTES 40u

static const uint64_t extreme_numbers[] = { 1, 2, 0x0123456789abcdef, JOURNAL_NUMBER_MASK };

/* A frame in a block of exactly its size, so that a read past its end is seen. */
static struct mqtt_span exactly(const uint8_t *bytes, size_t len)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    if (len > 0)
        memcpy(copy, bytes, len);
    return (struct mqtt_span){ copy, len };
}

static uint8_t *put(uint8_t *at, const struct journal_op *op)
{
    if (op->verb == JOURNAL_DROP)
        return journal_drop(at, op->key);
    at = journal_put_head(at, op->key, op->body, (uint32_t)op->bytes.len);
    if (op->bytes.len > 0)
        memcpy(at, op->bytes.data, op->bytes.len);
    return at + op->bytes.len;
}

static void assert_same(const struct journal_op *is, const struct journal_op *was)
{
    assert_int_equal(is->verb, was->verb);
    assert_true(is->key == was->key);
    assert_true(is->body == was->body);
    assert_int_equal(is->bytes.len, was->bytes.len);
    if (was->bytes.len > 0)
        assert_memory_equal(is->bytes.data, was->bytes.data, was->bytes.len);
}

/* How many operations stand at the front; what is behind them goes to *out_end. */
static size_t count_ops(struct mqtt_span frame, int *out_end)
{
    struct journal_op op;
    size_t count = 0;

    while ((*out_end = journal_op_next(&frame, &op)) > 0) {
        assert_true(op.verb == JOURNAL_PUT || op.verb == JOURNAL_DROP);
        assert_true(op.key != 0);
        assert_true(op.body == 0 || journal_kind_of(op.body) == JOURNAL_BODY);
        assert_true(op.verb == JOURNAL_PUT || (op.body == 0 && op.bytes.len == 0));
        count++;
    }
    assert_true(*out_end == 0 || *out_end == -EBADMSG);
    return count;
}

static void a_key_is_a_kind_and_a_number(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < JOURNAL_KINDS; kind++) {
        for (size_t i = 0; i < MQTT_ARRAY_LEN(extreme_numbers); i++) {
            uint64_t key = journal_key((enum journal_kind)kind, extreme_numbers[i]);

            assert_int_equal(journal_kind_of(key), kind);
            assert_true(journal_number_of(key) == (extreme_numbers[i] & JOURNAL_NUMBER_MASK));
        }
    }
    /* What does not fit a number does not become another kind. */
    assert_int_equal(journal_kind_of(journal_key(JOURNAL_WILL, UINT64_MAX)), JOURNAL_WILL);
    /* Things are restored in the order of their keys. */
    assert_true(journal_key(JOURNAL_SESSION, JOURNAL_NUMBER_MASK)
                < journal_key(JOURNAL_SUBSCRIPTION, 0));
}

static void the_layout_is_the_documented_one(void **state)
{
    static const uint8_t expected[] = { 1,   0x07, 0,    0, 0, 0,    0, 0, 0x60, 0x09, 0,
                                        0,   0,    0,    0, 0, 0x50, 2, 0, 0,    0,    'h',
                                        'i', 2,    0x08, 0, 0, 0,    0, 0, 0,    0x10 };
    uint8_t frame[sizeof(expected)];

    (void)state;
    uint8_t *at =
        journal_put_head(frame, journal_key(JOURNAL_DELIVERY, 7), journal_key(JOURNAL_BODY, 9), 2);
    assert_ptr_equal(at, frame + JOURNAL_PUT_BYTES);
    *at++ = 'h';
    *at++ = 'i';
    at = journal_drop(at, journal_key(JOURNAL_SESSION, 8));
    assert_ptr_equal(at, frame + sizeof(frame));
    assert_memory_equal(frame, expected, sizeof(expected));
}

static void what_was_written_comes_back(void **state)
{
    struct test_random random = { .state = 5 };
    static uint8_t bytes[MOST_OPS * (JOURNAL_PUT_BYTES + MOST_BYTES)];
    static uint8_t things[MOST_OPS][MOST_BYTES];
    struct journal_op ops[MOST_OPS];

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        size_t count = test_random_below(&random, MOST_OPS + 1);
        uint8_t *at = bytes;

        for (size_t i = 0; i < count; i++) {
            size_t len = test_random_below(&random, MOST_BYTES + 1);

            memset(things[i], (int)test_random_below(&random, 256), len);
            ops[i] =
                (struct journal_op){ .verb = JOURNAL_DROP, .key = test_random_next(&random) | 1 };
            if (test_random_below(&random, 3) > 0) {
                ops[i].verb = JOURNAL_PUT;
                ops[i].bytes = (struct mqtt_span){ things[i], len };
                if (test_random_below(&random, 2) > 0)
                    ops[i].body = journal_key(JOURNAL_BODY, test_random_next(&random));
            }
            at = put(at, &ops[i]);
        }
        struct mqtt_span whole = exactly(bytes, (size_t)(at - bytes));
        struct mqtt_span rest = whole;
        struct journal_op op;
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(journal_op_next(&rest, &op), 1);
            assert_same(&op, &ops[i]);
        }
        assert_int_equal(journal_op_next(&rest, &op), 0);
        test_span_free(whole);
    }
}

/* Two PUTs and a DROP; the end of each goes to ends[]. */
static size_t sample(uint8_t *bytes, size_t ends[static 3])
{
    static const struct journal_op ops[3] = {
        { .verb = JOURNAL_PUT,
          .key = (uint64_t)JOURNAL_DELIVERY << JOURNAL_KIND_SHIFT | 70,
          .body = (uint64_t)JOURNAL_BODY << JOURNAL_KIND_SHIFT | 71,
          .bytes = { (const uint8_t *)"delivery", 8 } },
        { .verb = JOURNAL_DROP, .key = (uint64_t)JOURNAL_WILL << JOURNAL_KIND_SHIFT | 3 },
        { .verb = JOURNAL_PUT, .key = (uint64_t)JOURNAL_SESSION << JOURNAL_KIND_SHIFT | 1 },
    };
    uint8_t *at = bytes;

    for (size_t i = 0; i < 3; i++) {
        at = put(at, &ops[i]);
        ends[i] = (size_t)(at - bytes);
    }
    return ends[2];
}

static void every_truncation_is_refused(void **state)
{
    uint8_t bytes[3 * (JOURNAL_PUT_BYTES + MOST_BYTES)];
    size_t ends[3];
    size_t len = sample(bytes, ends);

    (void)state;
    for (size_t cut = 0; cut <= len; cut++) {
        struct mqtt_span frame = exactly(bytes, cut);
        size_t whole = (size_t)(cut >= ends[0]) + (cut >= ends[1]) + (cut >= ends[2]);
        bool is_whole = cut == 0 || cut == ends[0] || cut == ends[1] || cut == ends[2];
        int end;

        assert_int_equal(count_ops(frame, &end), whole);
        assert_int_equal(end, is_whole ? 0 : -EBADMSG);
        test_span_free(frame);
    }
}

/* A changed byte is refused, or what is read is still a series of operations that make sense. */
static void every_changed_byte_is_refused_or_harmless(void **state)
{
    uint8_t bytes[3 * (JOURNAL_PUT_BYTES + MOST_BYTES)];
    size_t ends[3];
    size_t len = sample(bytes, ends);

    (void)state;
    for (size_t at = 0; at < len; at++) {
        for (unsigned value = 0; value < 256; value++) {
            uint8_t was = bytes[at];
            int end;

            bytes[at] = (uint8_t)value;
            struct mqtt_span frame = exactly(bytes, len);
            size_t count = count_ops(frame, &end);
            bool is_verb = at == 0 || at == ends[0] || at == ends[1];
            if (is_verb && value != JOURNAL_PUT && value != JOURNAL_DROP)
                assert_int_equal(end, -EBADMSG);
            if (value == was)
                assert_true(count == 3 && end == 0);
            test_span_free(frame);
            bytes[at] = was;
        }
    }
}

static void senseless_operations_are_refused(void **state)
{
    static const struct {
        uint64_t key;
        uint64_t body;
        int found;
    } cases[] = {
        { 0, 0, -EBADMSG },
        { 1, 0, 1 },
        { UINT64_MAX, 0, 1 },
        { 1, 1, -EBADMSG }, /* a body of kind META */
        { 1, (uint64_t)JOURNAL_DELIVERY << JOURNAL_KIND_SHIFT | 1, -EBADMSG },
        { 1, (uint64_t)JOURNAL_BODY << JOURNAL_KIND_SHIFT | 1, 1 },
        { 1, UINT64_MAX, -EBADMSG },
    };
    struct journal_op op;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        uint8_t bytes[JOURNAL_PUT_BYTES];
        struct mqtt_span frame = { bytes, JOURNAL_PUT_BYTES };

        journal_put_head(bytes, cases[i].key, cases[i].body, 0);
        assert_int_equal(journal_op_next(&frame, &op), cases[i].found);
    }
    uint8_t bytes[JOURNAL_DROP_BYTES];
    struct mqtt_span frame = { bytes, JOURNAL_DROP_BYTES };
    journal_drop(bytes, 0);
    assert_int_equal(journal_op_next(&frame, &op), -EBADMSG);
}

/* A length that goes beyond the frame, up to the most that can be written. */
static void a_length_beyond_the_frame_is_refused(void **state)
{
    static const uint32_t lens[] = { 1, 0xff, 0x10000, INT32_MAX, UINT32_MAX };
    struct journal_op op;

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(lens); i++) {
        uint8_t bytes[JOURNAL_PUT_BYTES];

        journal_put_head(bytes, 1, 0, lens[i]);
        struct mqtt_span whole = exactly(bytes, sizeof(bytes));
        struct mqtt_span frame = whole;
        assert_int_equal(journal_op_next(&frame, &op), -EBADMSG);
        test_span_free(whole);
    }
}

static void random_bytes_are_harmless(void **state)
{
    struct test_random random = { .state = 11 };
    uint8_t bytes[200];
    int end;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = test_random_below(&random, sizeof(bytes) + 1);

        for (size_t i = 0; i < len; i++)
            /* Mostly small values, so that verbs and lengths are often right. */
            bytes[i] = (uint8_t)test_random_below(&random, round % 2 == 0 ? 4 : 256);
        struct mqtt_span frame = exactly(bytes, len);
        (void)count_ops(frame, &end);
        test_span_free(frame);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_key_is_a_kind_and_a_number),
        cmocka_unit_test(the_layout_is_the_documented_one),
        cmocka_unit_test(what_was_written_comes_back),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(every_changed_byte_is_refused_or_harmless),
        cmocka_unit_test(senseless_operations_are_refused),
        cmocka_unit_test(a_length_beyond_the_frame_is_refused),
        cmocka_unit_test(random_bytes_are_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
