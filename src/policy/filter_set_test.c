/* SPDX-License-Identifier: Apache-2.0 */
/* Rows by hand, and where it gives up; filter_oracle_test.c has every small filter. */
#include "policy/filter_set.h"

#include "base/attrs.h"
#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SET_MAX 5

struct row {
    const char *filter;
    const char *set[SET_MAX];
    const char *witness; /* NULL: it is covered */
};

static const struct row rows[] = {
    { "a", { "a" }, NULL },
    { "a", { NULL }, "a" },
    { "+", { NULL }, "x" },
    { "a/#", { "a", "a/+/#" }, NULL },
    { "a/#", { "a", "a/+" }, "a/x/x" },
    { "#", { "+", "+/+/#" }, NULL },
    { "#", { "+/#", "$SYS/#" }, NULL },
    { "/#", { "/+", "/+/+/#" }, NULL }, /* an empty topic is none */
    { "+/+", { "+/a", "+/b" }, "x/x" },
    { "+/x", { "x/+", "other/+" }, "other-1/x" },
    { "+", { "x", "other", "other-1", "other-2", "other-3" }, "other-4" },
    { "a/", { "a", "a/+/b" }, "a/" },
    /* '$' is out of reach of a wildcard in the first level, and only there. */
    { "$SYS/a", { "#" }, "$SYS/a" },
    { "a/$x", { "a/+" }, NULL },
    { "+/a", { "$s/a" }, "x/a" },
    /* One letter, composed and decomposed, is two names. */
    { "a/\xc3\xa9", { "a/\xc3\xa9" }, NULL },
    { "a/\xc3\xa9", { "a/e\xcc\x81" }, "a/\xc3\xa9" },
    { "a/+", { "a/\xc3\xa9", "a/e\xcc\x81" }, "a/x" },
};

static void unions(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct mqtt_span set[SET_MAX];
        char topic[32];
        size_t count = 0;
        for (; count < SET_MAX && rows[i].set[count] != NULL; count++)
            set[count] = test_span_new(rows[i].set[count]);
        struct mqtt_span filter = test_span_new(rows[i].filter);
        enum filter_cover cover = filter_set_witness(set, count, filter, topic, sizeof(topic));
        if (cover != (rows[i].witness == NULL ? FILTER_COVER_YES : FILTER_COVER_NO)
            || strcmp(topic, rows[i].witness != NULL ? rows[i].witness : "") != 0)
            fail_msg("%s: %d, \"%s\"", rows[i].filter, cover, topic);
        assert_int_equal(filter_set_covers(set, count, filter), cover);
        test_span_free(filter);
        for (size_t n = 0; n < count; n++)
            test_span_free(set[n]);
    }
}

static void a_witness_needs_its_room(void **state)
{
    const struct mqtt_span set[] = { { (const uint8_t *)"abc/x", 5 } };
    char topic[8];

    (void)state;
    for (size_t size = 0; size <= sizeof(topic); size++) {
        memset(topic, '!', sizeof(topic));
        assert_int_equal(filter_set_witness(set, 1, span_of("abc/y"), topic, size),
                         FILTER_COVER_NO);
        if (size != 0)
            assert_string_equal(topic, size > strlen("abc/y") ? "abc/y" : "");
        for (size_t i = size; i < sizeof(topic); i++)
            assert_int_equal(topic[i], '!');
    }
}

/* `levels` times '+', and `at` instead of one of them. */
static struct mqtt_span deep(char *out, size_t levels, size_t which, const char *at)
{
    size_t len = 0;

    for (size_t i = 0; i < levels; i++)
        len += (size_t)sprintf(out + len, "%s%s", i != 0 ? "/" : "", i == which ? at : "+");
    return (struct mqtt_span){ (const uint8_t *)out, len };
}

static void too_deep_is_unknown(void **state)
{
    char text[2][2 * FILTER_SET_LEVELS + 8];

    (void)state;
    for (size_t levels = FILTER_SET_LEVELS - 3; levels < FILTER_SET_LEVELS + 1; levels++) {
        struct mqtt_span filter = deep(text[0], levels, levels, "");
        struct mqtt_span member = deep(text[1], levels, levels - 1, "#");
        bool fits = levels <= FILTER_SET_LEVELS - 2;
        assert_int_equal(filter_set_covers(&member, 1, filter),
                         fits ? FILTER_COVER_YES : FILTER_COVER_UNKNOWN);
        assert_int_equal(filter_set_covers(&filter, 1, member),
                         fits ? FILTER_COVER_NO : FILTER_COVER_UNKNOWN);
    }
}

/* Each level has a name of its own in one member, so that twice as many paths are looked at for
 * every further level. */
static void too_many_combinations_are_unknown(void **state)
{
    static char text[32][128];

    (void)state;
    for (size_t levels = 2; levels <= 20; levels += 3) {
        struct mqtt_span set[32];
        for (size_t i = 0; i < levels; i++)
            set[i] = deep(text[i], levels, i, "a");
        set[levels] = deep(text[levels], levels, levels, "");
        enum filter_cover cover = filter_set_covers(set, levels + 1, set[levels]);
        assert_int_equal(cover, levels < 14 ? FILTER_COVER_YES : FILTER_COVER_UNKNOWN);
        /* What is not covered is seen at once all the same. */
        assert_int_equal(filter_set_covers(set, levels, set[levels]), FILTER_COVER_NO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(unions),
        cmocka_unit_test(a_witness_needs_its_room),
        cmocka_unit_test(too_deep_is_unknown),
        cmocka_unit_test(too_many_combinations_are_unknown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
