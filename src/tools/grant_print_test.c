/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/grant_print.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct registry_grant plain(const char *pattern)
{
    struct registry_grant grant = { .id = 7,
                                    .subject = "lamp",
                                    .maximum_qos = -1,
                                    .retain = -1,
                                    .payload_bytes = -1,
                                    .rate_messages = -1,
                                    .rate_seconds = -1,
                                    .created_s = 1798070400 };
    snprintf(grant.pattern, sizeof(grant.pattern), "%s", pattern);
    return grant;
}

static struct registry_grant wild(void)
{
    struct registry_grant grant = plain("home/#");
    grant.subject_kind = GRANT_TO_GROUP;
    grant.subscribes = true;
    grant.maximum_qos = 1;
    grant.depth = 2;
    grant.most_topics = 100;
    grant.expires_s = 1798106400;
    snprintf(grant.owner, sizeof(grant.owner), "anna");
    snprintf(grant.reason, sizeof(grant.reason), "a\nb\xff");
    return grant;
}

static void sentences(void **state)
{
    (void)state;
    char out[GRANT_PRINT_SIZE];
    struct registry_grant grant = plain("x/y");
    assert_string_equal(grant_print_sentence(&grant, out, sizeof(out)),
                        "device lamp may publish \"x/y\" until it is removed");
    grant.expires_s = 1798106400;
    grant.denies = true;
    assert_string_equal(grant_print_sentence(&grant, out, sizeof(out)),
                        "device lamp may not publish \"x/y\" until 2026-12-24 10:00 UTC");
    grant = plain("x/+");
    grant.subscribes = true;
    assert_string_equal(
        grant_print_sentence(&grant, out, sizeof(out)),
        "device lamp may subscribe to \"x/+\", one topic at a time, until it is removed");
    grant = wild();
    assert_string_equal(grant_print_sentence(&grant, out, sizeof(out)),
                        "group lamp may subscribe to \"home/#\" (qos 1, wildcards, depth 2, "
                        "most-topics 100) until 2026-12-24 10:00 UTC");
}

static void terms(void **state)
{
    (void)state;
    char out[GRANT_PRINT_SIZE];
    struct registry_grant grant = plain("x/y");
    assert_string_equal(grant_print_terms(&grant, out, sizeof(out)), "");
    grant.retain = 0;
    grant.payload_bytes = 0;
    grant.rate_messages = 10;
    grant.rate_seconds = 60;
    assert_string_equal(grant_print_terms(&grant, out, sizeof(out)),
                        "retain off, max-payload 0B, rate 10/m");
    grant.rate_seconds = 7; /* which only SQL can write */
    grant.retain = 1;
    assert_string_equal(grant_print_terms(&grant, out, sizeof(out)),
                        "retain on, max-payload 0B, rate 10/7s");
}

/* Every size, of the longest there is: never beyond the end. */
static void a_short_buffer(void **state)
{
    (void)state;
    struct registry_grant grant = wild();
    char whole[GRANT_PRINT_SIZE];
    memset(grant.subject, 's', sizeof(grant.subject) - 1);
    memset(grant.pattern, 'p', sizeof(grant.pattern) - 1);
    grant_print_sentence(&grant, whole, sizeof(whole));
    assert_in_range(strlen(whole), GRANT_PATTERN_SIZE, sizeof(whole) - 1);
    for (size_t size = 1; size <= strlen(whole) + 1; size++) {
        char *out = malloc(size);
        assert_non_null(out);
        assert_memory_equal(grant_print_sentence(&grant, out, size), whole, size - 1);
        assert_int_equal(out[size - 1], '\0');
        free(out);
    }
}

static void as_json(const struct registry_grant *grant, int64_t now_s, const char *expected)
{
    json_t *document = grant_print_json(grant, now_s);
    char *text = json_dumps(document, JSON_COMPACT);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
    json_decref(document);
}

static void documents(void **state)
{
    (void)state;
    struct registry_grant grant = plain("x/y");
    as_json(&grant, 5,
            "{\"id\":7,\"subject_kind\":\"device\",\"subject\":\"lamp\",\"action\":\"publish\","
            "\"denies\":false,\"pattern\":\"x/y\",\"maximum_qos\":null,\"retain\":null,"
            "\"max_payload\":null,\"rate\":null,\"wildcards\":null,\"owner\":\"\",\"reason\":\"\","
            "\"expires\":null,\"expired\":false,\"created\":\"2026-12-24T00:00:00Z\"}");
    grant = wild();
    grant.denies = true;
    grant.retain = 0;
    grant.payload_bytes = 9;
    grant.rate_messages = 10;
    grant.rate_seconds = 60;
    as_json(&grant, grant.expires_s,
            "{\"id\":7,\"subject_kind\":\"group\",\"subject\":\"lamp\",\"action\":\"subscribe\","
            "\"denies\":true,\"pattern\":\"home/#\",\"maximum_qos\":1,\"retain\":false,"
            "\"max_payload\":9,\"rate\":{\"messages\":10,\"seconds\":60},\"wildcards\":"
            "{\"prefix\":\"home/\",\"depth\":2,\"most_topics\":100},\"owner\":\"anna\",\"reason\":"
            "\"a?b?\",\"expires\":\"2026-12-24T10:00:00Z\",\"expired\":true,"
            "\"created\":\"2026-12-24T00:00:00Z\"}");
}

static void a_row_that_cannot_be_read(void **state)
{
    (void)state;
    const struct registry_grant grant = plain("");
    json_t *document = grant_print_json(&grant, 5);
    assert_true(json_is_null(json_object_get(document, "pattern")));
    json_decref(document);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sentences),
        cmocka_unit_test(terms),
        cmocka_unit_test(a_short_buffer),
        cmocka_unit_test(documents),
        cmocka_unit_test(a_row_that_cannot_be_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
