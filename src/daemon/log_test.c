/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static const char *formatted(const struct log_line *line, enum config_log_format format,
                             const char *stamp, uint64_t left_out, char *out)
{
    size_t len = log_format(line, format, stamp, left_out, out);
    assert_in_range(len, 1, LOG_LINE_BYTES);
    assert_int_equal(out[len - 1], '\n');
    out[len - 1] = '\0';
    return out;
}

static const struct {
    struct log_line line;
    enum config_log_format format;
    const char *stamp;
    uint64_t left_out;
    const char *text;
} rows[] = {
    { { CONFIG_LOG_INFO, LOG_STATE, "ready", { { 0 } }, 0, NULL, NULL },
      CONFIG_LOG_TEXT,
      "T",
      0,
      "T ready" },
    { { CONFIG_LOG_WARNING, LOG_STATE, "careful", { { 0 } }, 0, NULL, NULL },
      CONFIG_LOG_TEXT,
      "T",
      0,
      "T warning careful" },
    { { CONFIG_LOG_ERROR, LOG_STATE, "broken", { { 0 } }, 0, NULL, NULL },
      CONFIG_LOG_TEXT,
      NULL,
      0,
      "<3>broken" },
    { { CONFIG_LOG_INFO, LOG_REFUSED, "a\nb\x1b[0m\x7f", { { 0 } }, 0, NULL, NULL },
      CONFIG_LOG_TEXT,
      "T",
      3,
      "T a\\x0ab\\x1b[0m\\x7f (and 3 more like this, left out)" },
    { { CONFIG_LOG_INFO,
        LOG_REFUSED,
        "say \"no\"\n",
        { { "client", { (const uint8_t *)"a\xff\"", 3 } }, { "empty", { NULL, 0 } } },
        2,
        NULL,
        NULL },
      CONFIG_LOG_JSON,
      "T",
      7,
      "{\"time\":\"T\",\"level\":\"info\",\"event\":\"refused\",\"text\":\"say "
      "\\u0022no\\u0022\\u000a\",\"client\":\"a\\u00ff\\u0022\",\"left_out\":\"7\"}" },
};

static void lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char out[LOG_LINE_BYTES];
        assert_string_equal(
            formatted(&rows[i].line, rows[i].format, rows[i].stamp, rows[i].left_out, out),
            rows[i].text);
    }
}

/* Whatever a peer sends, a line of JSON is JSON, and it is one line. */
static void json_stays_json(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed < 300; seed++) {
        size_t len = seed * 11;
        uint8_t *bytes = malloc(len);
        char *text = malloc(len + 1);
        assert_non_null(bytes);
        assert_non_null(text);
        for (size_t i = 0; i < len; i++) {
            bytes[i] = (uint8_t)((i * 131 + seed * 17) >> (seed % 3));
            text[i] = (char)(bytes[i] == 0 ? 'x' : bytes[i]);
        }
        text[len] = '\0';
        struct log_line line = { .level = CONFIG_LOG_INFO, .kind = LOG_WILL, .text = text };
        while (line.field_count < LOG_FIELDS_MAX)
            line.fields[line.field_count++] = (struct log_field){ "topic", { bytes, len } };
        char out[LOG_LINE_BYTES];
        formatted(&line, CONFIG_LOG_JSON, "T", seed, out);
        assert_null(strchr(out, '\n'));
        json_error_t error;
        json_t *parsed = json_loads(out, JSON_ALLOW_NUL, &error);
        assert_non_null(parsed);
        assert_string_equal(json_string_value(json_object_get(parsed, "event")), "will-sent");
        json_decref(parsed);
        free(bytes);
        free(text);
    }
}

static void a_flood_is_limited(void **state)
{
    struct log_limit limit = { 0 };
    uint64_t left_out = 99;
    unsigned written = 0;

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        written += log_limit_take(&limit, 5, &left_out) ? 1u : 0u;
    assert_int_equal(written, LOG_BURST);
    assert_int_equal(left_out, 0);
    assert_true(log_limit_take(&limit, 6, &left_out));
    assert_int_equal(left_out, 1000 - LOG_BURST);
    for (unsigned i = 1; i < LOG_PER_SECOND; i++)
        assert_true(log_limit_take(&limit, 6, &left_out));
    assert_int_equal(left_out, 0);
    assert_false(log_limit_take(&limit, 6, &left_out));
    /* A clock that goes back changes nothing. */
    assert_false(log_limit_take(&limit, 1, &left_out));
    assert_true(log_limit_take(&limit, 100000, &left_out));
}

/* What was used is a record: more of it is kept, and a gap is told all the same. */
static void a_record_has_a_wider_limit(void **state)
{
    struct log_limit limit = { .times = LOG_AUDIT_TIMES };
    uint64_t left_out = 99;
    unsigned written = 0;

    (void)state;
    for (unsigned i = 0; i < 2 * LOG_BURST * LOG_AUDIT_TIMES; i++)
        written += log_limit_take(&limit, 5, &left_out) ? 1u : 0u;
    assert_int_equal(written, LOG_BURST * LOG_AUDIT_TIMES);
    assert_true(log_limit_take(&limit, 6, &left_out));
    assert_int_equal(left_out, LOG_BURST * LOG_AUDIT_TIMES);
    for (unsigned i = 1; i < LOG_PER_SECOND * LOG_AUDIT_TIMES; i++)
        assert_true(log_limit_take(&limit, 6, &left_out));
    assert_false(log_limit_take(&limit, 6, &left_out));
}

/* ---- when a text is made ---- */

static void compose(const void *from, char *out)
{
    unsigned *count = *(unsigned *const *)from;

    (*count)++;
    (void)snprintf(out, LOG_LINE_BYTES, "text %u", *count);
}

static void see(void *context, const struct log_line *line)
{
    (void)line;
    (*(unsigned *)context)++;
}

static void see_text(void *context, const struct log_line *line)
{
    (*(unsigned *)context)++;
    assert_int_equal(strncmp(line->text, "text ", 5), 0);
}

static unsigned write_many(struct log *log, enum log_kind kind, unsigned lines)
{
    unsigned composed = 0;
    unsigned *from = &composed;

    for (unsigned i = 0; i < lines; i++)
        log_write(log, &(struct log_line){ .level = CONFIG_LOG_NOTICE,
                                           .kind = kind,
                                           .text = "",
                                           .compose = compose,
                                           .from = &from });
    return composed;
}

/* A flood costs no texts: neither what is over the limit nor what only the audit log has. */
static void a_text_is_made_for_those_who_read_it(void **state)
{
    (void)state;
    unsigned seen = 0;
    unsigned told = 0;
    const struct log_witness witness = { &seen, see };
    const struct log_witness alarms = { &told, see_text };
    struct log *log = log_new(CONFIG_LOG_TEXT, CONFIG_LOG_NOTICE);

    assert_non_null(log);
    log_set_witness(log, &witness);
    log_set_alarm_witness(log, &alarms);
    assert_in_range(write_many(log, LOG_SUBSCRIPTION_ENDED, 10000), 1, 2 * LOG_BURST);
    assert_int_equal(seen, 10000);
    assert_int_equal(told, 0);
    log_configure(log, CONFIG_LOG_TEXT, CONFIG_LOG_ERROR);
    assert_int_equal(write_many(log, LOG_PUBLISH_REFUSED, 10), 0);
    assert_int_equal(seen, 10010);
    assert_int_equal(write_many(log, LOG_HELD, 10), 10);
    assert_int_equal(told, 10);
    log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines),
        cmocka_unit_test(json_stays_json),
        cmocka_unit_test(a_flood_is_limited),
        cmocka_unit_test(a_record_has_a_wider_limit),
        cmocka_unit_test(a_text_is_made_for_those_who_read_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
