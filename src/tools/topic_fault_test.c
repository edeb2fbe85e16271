/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/topic_fault.h"

#include "base/attrs.h"
#include "codec/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void names(void **state)
{
    static const struct {
        const char *topic, *word; /* word NULL: there is nothing wrong */
    } rows[] = {
        { "a", NULL },          { "a/b/c", NULL },      { "/", NULL },
        { "$SYS/x", NULL },     { "", "empty" },        { "a/+/b", "one topic" },
        { "a/#", "one topic" }, { "\xff", "UTF-8" },    { "a/b/c/d", "topic-levels" },
        { "a+b", "one topic" }, { "$share/g/a", NULL },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const char *fault = topic_fault_of_name(span_of(rows[i].topic), 3);
        assert_true((fault == NULL) == (rows[i].word == NULL));
        assert_true(fault == NULL || strstr(fault, rows[i].word) != NULL);
    }
}

static void filters(void **state)
{
    static const struct {
        const char *filter, *word;
    } rows[] = {
        { "#", NULL },
        { "a/+/#", NULL },
        { "$share/g/a/#", NULL },
        { "$share/g/a/b/c", NULL },
        { "$share/g/a/b/c/d", "topic-levels" },
        { "", "empty" },
        { "a/#/b", "last level" },
        { "##", "last level" },
        { "a#", "'#' must be alone" },
        { "a+/b", "'+' must be alone" },
        { "a+/#", "'+' must be alone" },
        { "$share/g", "$share/NAME/FILTER" },
        { "$share//a", "$share/NAME/FILTER" },
        { "$share/+/a", "$share/NAME/FILTER" },
        { "$share/g/a#", "$share/NAME/FILTER" },
        { "a\xc3", "UTF-8" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const char *fault = topic_fault_of_filter(span_of(rows[i].filter), 3);
        assert_true((fault == NULL) == (rows[i].word == NULL));
        assert_true(fault == NULL || strstr(fault, rows[i].word) != NULL);
    }
}

static void the_longest(void **state)
{
    (void)state;
    char *text = malloc(65536);
    assert_non_null(text);
    memset(text, 'x', 65536);
    struct mqtt_span span = { (const uint8_t *)text, 65535 };
    assert_null(topic_fault_of_name(span, 1));
    assert_null(topic_fault_of_filter(span, 1));
    span.len++;
    assert_non_null(strstr(topic_fault_of_name(span, 1), "65535"));
    assert_non_null(strstr(topic_fault_of_filter(span, 1), "65535"));
    free(text);
}

/* All short texts: there is a fault if and only if the codec says so. */
static void the_codec_agrees(void **state)
{
    static const char letters[] = "a/+#$";
    char text[5] = "";

    (void)state;
    for (unsigned number = 0; number < 6 * 6 * 6 * 6; number++) {
        size_t len = 0;
        for (unsigned rest = number; rest > 0; rest /= 6)
            if (rest % 6 > 0)
                text[len++] = letters[rest % 6 - 1];
        text[len] = '\0';
        struct mqtt_span span = span_of(text);
        assert_true(mqtt_topic_name_is_valid(span) == (topic_fault_of_name(span, 9) == NULL));
        assert_true(mqtt_topic_filter_is_valid(span) == (topic_fault_of_filter(span, 9) == NULL));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(filters),
        cmocka_unit_test(the_longest),
        cmocka_unit_test(the_codec_agrees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
