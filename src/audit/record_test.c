/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/record.h"

#include "audit/hex.h"
#include "audit/stand.h"
#include "audit/statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static size_t write_line(struct mqtt_span fields, char *out)
{
    const struct audit_port port = audit_stand_port();
    const struct audit_entry entry = { 7, 951782400123, "connected", fields };
    uint8_t chain[AUDIT_HASH_BYTES] = { 0xab };

    return audit_record_write(&entry, &port, chain, out);
}

static void a_record_is_a_line_of_json(void **state)
{
    struct audit_fields fields = { 0 };
    char line[AUDIT_LINE_BYTES];
    static const char begin[] = "{\"seq\":7,\"time\":\"2000-02-29T00:00:00.123Z\",\"kind\":"
                                "\"connected\",\"client\":\"a\\u0022b\\u005c\\u000a\xc3\xa4\","
                                "\"count_2\":\"12\",\"prev\":\"ab00000000";

    (void)state;
    audit_fields_add_text(&fields, "client", "a\"b\\\n\xc3\xa4");
    audit_fields_add_text(&fields, "nothing", "");
    audit_fields_add_text(&fields, "nobody", NULL);
    audit_fields_add_number(&fields, "count_2", 12);
    size_t len = write_line(audit_fields_end(&fields), line);
    assert_memory_equal(line, begin, sizeof(begin) - 1);
    assert_int_equal(line[len - 1], '\n');
}

static void a_record_is_read_back(void **state)
{
    const struct audit_port port = audit_stand_port();
    struct audit_fields fields = { 0 };
    struct audit_record record;
    char line[AUDIT_LINE_BYTES];
    char value[64];

    (void)state;
    audit_fields_add(&fields, "client", (struct mqtt_span){ (const uint8_t *)"\xff\0\"x", 4 });
    size_t len = write_line(audit_fields_end(&fields), line);
    assert_null(audit_record_parse((struct mqtt_span){ (const uint8_t *)line, len - 1 }, &record));
    assert_true(audit_record_is_whole(&record, &port));
    assert_int_equal(record.sequence, 7);
    assert_true(span_equal(record.kind, span_of("connected")));
    assert_int_equal(record.prev[0], 0xab);
    struct mqtt_span found = audit_fields_find(record.fields, "client");
    assert_int_equal(audit_fields_unescape(found, value, sizeof(value)), 4);
    assert_memory_equal(value, "\xff\0\"x", 4);
    assert_int_equal(audit_fields_unescape(found, value, 3), 2);
    assert_int_equal(audit_fields_find(record.fields, "clien").len, 0);
}

static void what_is_too_much_is_cut_and_said(void **state)
{
    static uint8_t text[AUDIT_VALUE_BYTES + 1];
    struct audit_fields fields = { 0 };
    struct audit_record record;
    char line[AUDIT_LINE_BYTES];

    (void)state;
    for (unsigned i = 0; i < 9; i++)
        audit_fields_add(&fields, "long", (struct mqtt_span){ text, sizeof(text) });
    struct mqtt_span all = audit_fields_end(&fields);
    assert_true(all.len <= AUDIT_FIELDS_BYTES);
    assert_true(span_equal(audit_fields_find(all, "cut"), span_of("yes")));
    size_t len = write_line(all, line);
    assert_true(len < sizeof(line));
    assert_null(audit_record_parse((struct mqtt_span){ (const uint8_t *)line, len - 1 }, &record));
}

/* At each size of the room: as much as fits, in whole pieces, and whether that was all. */
static void what_does_not_fit_is_left_out(void **state)
{
    static const uint8_t value[] = { 'a', 'b', '"', 'c', 0x7f };
    static const char whole[] = "ab\\u0022c\\u007f";
    static const size_t lens[] = { 0, 1, 2, 2, 2, 2, 2, 2, 8, 9, 9, 9, 9, 9, 9, 15 };

    (void)state;
    for (size_t size = 0; size < MQTT_ARRAY_LEN(lens); size++) {
        char *room = malloc(size > 0 ? size : 1);
        bool is_cut = false;
        assert_non_null(room);
        size_t len =
            audit_fields_escape((struct mqtt_span){ value, sizeof(value) }, room, size, &is_cut);
        assert_int_equal(len, lens[size]);
        assert_memory_equal(room, whole, len);
        assert_int_equal(is_cut, len < sizeof(whole) - 1);
        free(room);
    }
}

/* In blocks of exactly their size. */
static bool is_record(const char *data, size_t len)
{
    struct audit_record record;
    char *copy = malloc(len > 0 ? len : 1);

    assert_non_null(copy);
    memcpy(copy, data, len);
    const char *wrong =
        audit_record_parse((struct mqtt_span){ (const uint8_t *)copy, len }, &record);
    free(copy);
    return wrong == NULL;
}

static void every_truncation_is_refused(void **state)
{
    struct audit_fields fields = { 0 };
    char line[AUDIT_LINE_BYTES];

    (void)state;
    audit_fields_add_text(&fields, "client", "\x01one");
    size_t len = write_line(audit_fields_end(&fields), line) - 1;
    assert_true(is_record(line, len));
    for (size_t i = 0; i < len; i++)
        assert_false(is_record(line, i));
    line[len] = ' ';
    assert_false(is_record(line, len + 1));
}

/* With the hashes of a good line behind it. */
static bool is_begin(const char *begin)
{
    char line[AUDIT_LINE_BYTES];
    char text[2 * AUDIT_LINE_BYTES];
    size_t len = write_line((struct mqtt_span){ NULL, 0 }, line) - 1;
    size_t tail = 9 + 64 + 10 + 64 + 2;

    (void)snprintf(text, sizeof(text), "%s%.*s", begin, (int)tail, line + len - tail);
    return is_record(text, strlen(text));
}

static void there_is_one_way_to_write_a_record(void **state)
{
#define TIME "\"time\":\"2000-02-29T00:00:00.123Z\""
    static const char *const others[] = {
        "{\"seq\":07," TIME ",\"kind\":\"x\"",
        "{\"seq\":0," TIME ",\"kind\":\"x\"",
        "{\"seq\":-1," TIME ",\"kind\":\"x\"",
        "{\"seq\":18446744073709551616," TIME ",\"kind\":\"x\"",
        "{ \"seq\":7," TIME ",\"kind\":\"x\"",
        "{\"seq\":7,\"time\":\"2000-02-30T00:00:00.123Z\",\"kind\":\"x\"",
        "{\"seq\":7," TIME ",\"kind\":\"\"",
        "{\"seq\":7," TIME ",\"kind\":\"X\"",
        "{\"seq\":7," TIME ",\"kind\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"A\":\"1\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":1",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"\\n\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"\\u0041\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"\\u000A\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"\\u0100\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"\xff\"",
        "{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"b\", \"c\":\"d\"",
    };

    (void)state;
    assert_true(is_begin("{\"seq\":7," TIME ",\"kind\":\"x\",\"a\":\"\\u000a\\u00ff\""));
    assert_true(is_begin("{\"seq\":18446744073709551615," TIME ",\"kind\":\"x\""));
    for (size_t i = 0; i < MQTT_ARRAY_LEN(others); i++)
        if (is_begin(others[i]))
            fail_msg("%s", others[i]);
#undef TIME
}

static void a_head_is_read_back_and_no_other_text_is_one(void **state)
{
    const struct audit_port port = audit_stand_port();
    struct audit_statement head = { .log = "sixteen bytes..", .sequence = 12 };
    struct audit_statement again;
    char line[AUDIT_HEAD_BYTES];

    (void)state;
    (void)audit_stamp_put(STAND_TIME_MS, head.time);
    assert_int_equal(audit_statement_sign(&head, AUDIT_STATES_HEAD, &port), 0);
    size_t len = audit_statement_write_head(&head, line);
    struct mqtt_span text = { (const uint8_t *)line, len };
    assert_true(audit_statement_read_head(text, &again));
    assert_memory_equal(&again, &head, sizeof(head));
    assert_true(audit_statement_is_signed(&again, AUDIT_STATES_HEAD, &port));
    assert_false(audit_statement_is_signed(&again, AUDIT_STATES_CHECKPOINT, &port));
    for (size_t i = 0; i < len; i++) {
        struct mqtt_span shorter = { text.data, i };
        assert_false(audit_statement_read_head(shorter, &again));
        line[i] ^= 1;
        assert_false(audit_statement_read_head(text, &again)
                     && audit_statement_is_signed(&again, AUDIT_STATES_HEAD, &port));
        line[i] ^= 1;
    }
}

static void only_lower_case_digits_are_hex(void **state)
{
    uint8_t bytes[2];
    char text[5];

    (void)state;
    assert_true(audit_hex_get(span_of("0aff"), bytes, 2));
    assert_string_equal(audit_hex_put(bytes, 2, text), "0aff");
    assert_false(audit_hex_get(span_of("0aFf"), bytes, 2));
    assert_false(audit_hex_get(span_of("0af"), bytes, 2));
    assert_false(audit_hex_get(span_of("0ag0"), bytes, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_a_line_of_json),
        cmocka_unit_test(a_record_is_read_back),
        cmocka_unit_test(what_is_too_much_is_cut_and_said),
        cmocka_unit_test(what_does_not_fit_is_left_out),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(there_is_one_way_to_write_a_record),
        cmocka_unit_test(a_head_is_read_back_and_no_other_text_is_one),
        cmocka_unit_test(only_lower_case_digits_are_hex),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
