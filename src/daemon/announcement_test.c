/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/announcement.h"

#include "codec/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#define NOON_MS INT64_C(1801396800000) /* 2027-01-31T12:00:00Z */

static struct announcement *made(const struct log_line *line, uint64_t left_out)
{
    struct announcement *announcement = announcement_new(line, NOON_MS, left_out);

    assert_non_null(announcement);
    return announcement;
}

static void expect_topic(const struct log_line *line, const char *topic)
{
    struct announcement *announcement = made(line, 0);
    struct mqtt_span got = announcement_topic(announcement);

    if (!span_equal(got, span_of(topic)))
        fail_msg("%.*s, not %s", (int)got.len, (const char *)got.data, topic);
    assert_true(mqtt_topic_name_is_valid(got));
    announcement_free(announcement);
}

static void each_has_its_topic(void **state)
{
    static const struct {
        enum log_kind kind;
        const char *of;
        const char *key;
        const char *name;
        const char *topic;
    } rows[] = {
        { LOG_SENSE, "device", "device", "pump-1", "$tacit/events/sense/device/pump-1" },
        { LOG_SENSE, "group", "role", "pump", "$tacit/events/sense/group/pump" },
        { LOG_SENSE_SOURCE, "source", "address", "192.0.2.1:7", "$tacit/events/sense/source" },
        { LOG_SENSE_RESPONSE, "device", "device", "pump-1",
          "$tacit/events/response/device/pump-1" },
        { LOG_SENSE_DRY_RUN, "device", "device", "pump-1", "$tacit/events/dry-run/device/pump-1" },
        { LOG_CANARY, "", "canary", "trap", "$tacit/events/canary/trap" },
        { LOG_CANARY_DEED, "", "canary", "trap", "$tacit/events/canary/trap" },
        { LOG_CLONE, "", "device", "lamp", "$tacit/events/clone/lamp" },
        { LOG_HELD, "", "device", "lamp", "$tacit/events/hold/lamp" },
        { LOG_HELD, "", "device", "", "$tacit/events/hold/-" },
        { LOG_PASSWORD_BURNT, "", "account", "a.b_c@d:e", "$tacit/events/password/a.b_c@d:e" },
        { LOG_HELD, "", "device", "a/+#%$ \xc3\xa9",
          "$tacit/events/hold/a%2F%2B%23%25%24%20%C3%A9" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct log_line line = {
            .kind = rows[i].kind,
            .text = "it is so",
            .fields = { { "of", span_of(rows[i].of) }, { rows[i].key, span_of(rows[i].name) } },
            .field_count = 2,
        };
        expect_topic(&line, rows[i].topic);
    }
}

/* A kind that is told has a topic. */
static void every_alarm_has_a_topic(void **state)
{
    unsigned alarms = 0;

    (void)state;
    for (unsigned kind = 0; kind < LOG_KIND_COUNT; kind++) {
        const struct log_line line = { .kind = (enum log_kind)kind, .text = "" };
        if (!log_kind_is_alarm(line.kind))
            continue;
        announcement_free(made(&line, 0));
        alarms++;
    }
    assert_int_equal(alarms, 9);
}

static json_t *object_of(const struct log_line *line, uint64_t left_out)
{
    struct announcement *announcement = made(line, left_out);
    struct mqtt_span object = announcement_object(announcement);
    json_error_t error;
    json_t *parsed =
        json_loadb((const char *)object.data, object.len, JSON_REJECT_DUPLICATES, &error);

    if (parsed == NULL)
        fail_msg("%s: %.*s", error.text, (int)object.len, (const char *)object.data);
    announcement_free(announcement);
    return parsed;
}

static void expect(const json_t *object, const char *key, const char *value)
{
    assert_string_equal(json_string_value(json_object_get(object, key)), value);
}

static void the_object_is_the_record_and_a_sentence(void **state)
{
    const struct log_line line = {
        .kind = LOG_SENSE_RESPONSE,
        .text = "device \"lamp\" is in quarantine",
        .fields = { { "of", span_of("device") },
                    { "device", span_of("lamp") },
                    { "nothing", span_of("") },
                    { "undo", span_of("tacit sense undo lamp") } },
        .field_count = 4,
    };
    json_t *object = object_of(&line, 0);

    (void)state;
    assert_int_equal(json_object_size(object), 6);
    expect(object, "time", "2027-01-31T12:00:00.000Z");
    expect(object, "kind", "sense-response");
    expect(object, "of", "device");
    expect(object, "device", "lamp");
    expect(object, "undo", "tacit sense undo lamp");
    expect(object, "sentence", "device \"lamp\" is in quarantine");
    json_decref(object);
    object = object_of(&line, 7);
    expect(object, "left_out", "7");
    json_decref(object);
}

/* Whatever a peer calls itself, it stays one object, and the sentence is whole. */
static void hostile_bytes_stay_inside(void **state)
{
    char text[LOG_LINE_BYTES];

    (void)state;
    memset(text, '\x01', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    struct log_line line = { .kind = LOG_CANARY, .text = text };
    while (line.field_count < LOG_FIELDS_MAX)
        line.fields[line.field_count++] = (struct log_field){ "x", { (uint8_t *)text, 300 } };
    for (size_t i = 0; i < line.field_count; i++)
        line.fields[i].key = (const char *const[]){ "a", "b", "c", "d", "e", "f", "g", "h" }[i % 8];
    line.field_count = 8;
    json_t *object = object_of(&line, UINT64_MAX);
    assert_int_equal(strlen(json_string_value(json_object_get(object, "sentence"))),
                     sizeof(text) - 1);
    expect(object, "cut", "yes");
    expect(object, "left_out", "18446744073709551615");
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_topic),
        cmocka_unit_test(every_alarm_has_a_topic),
        cmocka_unit_test(the_object_is_the_record_and_a_sentence),
        cmocka_unit_test(hostile_bytes_stay_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
