/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pattern.h"

#include "base/testing.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static void what_is_a_pattern(void **state)
{
    (void)state;
    static const char *const good[] = {
        "a",       "#",           "+/b/#",          "%{device}",
        "$SYS/#",  "/",           "a%{site}b/+",    "%{tenant}%{site}",
        "$shared", "a/%{device}", "home/+/\xc3\xa9"
    };
    static const char *const bad[] = { "",          "a#",        "a/#/b",      "a+/b",
                                       "%",         "100%",      "%{devices}", "%{device",
                                       "%(device)", "%{}",       "%%{device}", "+%{device}",
                                       "\xff",      "%{Device}", "$share/g/a", "$%{device}/x",
                                       "$x%{site}" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(good); i++) {
        struct mqtt_span text = test_span_new(good[i]);
        assert_null(pattern_fault(text));
        test_span_free(text);
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct mqtt_span text = test_span_new(bad[i]);
        if (pattern_fault(text) == NULL)
            fail_msg("accepted: %s", bad[i]);
        test_span_free(text);
    }
}

static void the_longest_pattern(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(65536);
    assert_non_null(bytes);
    memset(bytes, 'x', 65536);
    assert_null(pattern_fault((struct mqtt_span){ bytes, 65535 }));
    assert_non_null(pattern_fault((struct mqtt_span){ bytes, 65536 }));
    free(bytes);
}

struct row {
    const char *pattern;
    const char *device; /* the site is "s1" */
    const char *filter;
    bool contains;
    bool overlaps;
};

static const struct row rows[] = {
    { "home/%{device}/state", "lamp", "home/lamp/state", true, true },
    { "home/%{device}/state", "lamp", "home/lamp2/state", false, false },
    { "home/%{device}/state", "lamp", "home/lam/state", false, false },
    { "home/%{device}/state", "lamp", "home/+/state", false, true },
    { "home/%{device}/state", "lamp", "home/#", false, true },
    { "home/%{device}/#", "lamp", "home/lamp", true, true },
    { "home/%{device}/#", "lamp", "home/lamp/#", true, true },
    { "home/%{device}/#", "lamp", "home/lamp/+/x", true, true },
    /* Part of a level. */
    { "x-%{device}-%{site}/y", "lamp", "x-lamp-s1/y", true, true },
    { "x-%{device}-%{site}/y", "lamp", "x-lamp-s/y", false, false },
    { "x-%{device}-%{site}/y", "lamp", "x-lamp-s11/y", false, false },
    { "%{site}%{device}", "s1", "s1s1", true, true },
    { "%{site}%{device}", "s1", "s1", false, false },
    /* The placeholder itself is not its own value. */
    { "a/%{device}", "lamp", "a/%{device}", false, false },
    /* No name at all, or one that could reshape the topic, is no name: grants cover
     * nothing, denials whatever could be meant. */
    { "a/%{device}", NULL, "a/lamp", false, true },
    { "a/%{device}", "", "a/", false, true },
    { "a/%{device}", "+", "a/+", false, true },
    { "a/%{device}", "+", "a/lamp", false, true },
    { "a/%{device}", "#", "a/#", false, true },
    { "a/%{device}", "x/y", "a/x/y", false, false },
    { "a/%{device}", "x/y", "a/x", false, true },
    { "a/%{device}/c", "%{site}", "a/s1/c", false, true },
    /* What stands beside a missing name in its level does not count. */
    { "a/x%{device}", NULL, "a/y", false, true },
    { "a/%{site}%{device}", NULL, "a/y", false, true },
    { "a/x%{device}", NULL, "b/x", false, false },
    /* What starts with '$' is out of reach of wildcards and of names. */
    { "%{device}/x", "$SYS", "$SYS/x", false, false },
    { "%{device}/x", NULL, "$SYS/x", false, false },
    { "+/x", "lamp", "$SYS/x", false, false },
    { "#", "lamp", "$SYS/x", false, false },
    { "#", "lamp", "$SYS/#", false, false },
    { "$SYS/#", "lamp", "$SYS/x", true, true },
    { "$SYS/#", "lamp", "#", false, false },
    { "$dev/%{device}", "lamp", "$dev/lamp", true, true },
    { "a/%{device}", "lamp", "+/lamp", false, true },
    { "a/+", "lamp", "a/$x", true, true },
};

static void patterns_for_an_identity(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct mqtt_span text = test_span_new(row->pattern);
        struct mqtt_span filter = test_span_new(row->filter);
        struct pattern pattern = pattern_of(text);
        const struct identity identity = { .device = row->device, .site = "s1" };
        if (pattern_contains(&pattern, &identity, filter) != row->contains
            || pattern_overlaps(&pattern, &identity, filter) != row->overlaps)
            fail_msg("%s for %s and %s", row->pattern, row->device, row->filter);
        test_span_free(filter);
        test_span_free(text);
    }
}

static void nobody_has_no_names(void **state)
{
    (void)state;
    struct pattern named = pattern_of(span_of("a/%{tenant}"));
    struct pattern plain = pattern_of(span_of("a/+"));
    assert_false(pattern_contains(&named, NULL, span_of("a/x")));
    assert_true(pattern_overlaps(&named, NULL, span_of("a/x")));
    assert_true(pattern_contains(&plain, NULL, span_of("a/x")));
}

static void assert_resolves(const char *pattern, const struct identity *identity,
                            const char *expected, bool is_missing)
{
    struct pattern p = pattern_of(span_of(pattern));
    bool missing = !is_missing;
    char *text = pattern_resolve(&p, identity, true, &missing);
    assert_string_equal(text, expected);
    assert_int_equal(missing, is_missing);
    free(text);
    text = pattern_resolve(&p, identity, false, &missing);
    assert_true((text == NULL) == is_missing);
    free(text);
}

static void patterns_with_names_put_in(void **state)
{
    const struct identity lamp = { .device = "lamp", .site = "" };
    (void)state;
    assert_resolves("a/%{device}/b-%{device}", &lamp, "a/lamp/b-lamp", false);
    assert_resolves("%{tenant}/x", &lamp, "+/x", true);
    /* A name that is not fit for a topic counts as missing. */
    assert_resolves("x/%{site}%{device}", &lamp, "x/+", true);
    assert_resolves("a/+/#", &lamp, "a/+/#", false);
    assert_resolves("/", &lamp, "/", false);
}

/* The shortest placeholder, the longest name, many times: there has to be room. */
static void long_names_many_times(void **state)
{
    char site[IDENTITY_NAME_BYTES + 1];
    char pattern[100 * (sizeof("%{site}") - 1) + 1] = "";
    char expected[100 * IDENTITY_NAME_BYTES + 1];
    (void)state;
    memset(site, 's', sizeof(site) - 1);
    site[sizeof(site) - 1] = '\0';
    for (size_t i = 0; i < 100; i++)
        memcpy(pattern + i * (sizeof("%{site}") - 1), "%{site}", sizeof("%{site}"));
    memset(expected, 's', sizeof(expected) - 1);
    expected[sizeof(expected) - 1] = '\0';
    assert_resolves(pattern, &(struct identity){ .site = site }, expected, false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_a_pattern),          cmocka_unit_test(the_longest_pattern),
        cmocka_unit_test(patterns_for_an_identity),   cmocka_unit_test(nobody_has_no_names),
        cmocka_unit_test(patterns_with_names_put_in), cmocka_unit_test(long_names_many_times),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
