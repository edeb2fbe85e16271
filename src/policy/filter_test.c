/* SPDX-License-Identifier: Apache-2.0 */
/* The algebra against brute force: all filters of up to four levels over
 * {a, b, empty, +, #} and a first level "$s", each with the set of topics it matches,
 * drawn from all topics of up to five levels over {a, b, c, empty} and a first level
 * "$s" or "$t". The levels that no filter names, c and $t, stand for all the others;
 * the fifth level tells '#' from what is longer than any filter without it. */
#include "policy/filter.h"

#include "base/attrs.h"
#include "base/testing.h"
#include "codec/topic.h"
#include "policy/pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEXT_BYTES  16
#define FILTERS_MAX 600
#define TOPICS_MAX  2100
#define WORDS       (TOPICS_MAX / 64 + 1)

struct universe {
    size_t filters;
    size_t topics;
    char filter[FILTERS_MAX][TEXT_BYTES];
    char topic[TOPICS_MAX][TEXT_BYTES];
    uint64_t matches[FILTERS_MAX][WORDS];
};

/* Writes path `number` of `depth` levels; the first level has `firsts` choices, each
 * further one the same but for the `dollars` last. */
static void write_path(char *out, const char *const *levels, size_t firsts, size_t dollars,
                       size_t depth, size_t number)
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t level = 0; level < depth; level++) {
        size_t choices = level == 0 ? firsts : firsts - dollars;
        len += (size_t)snprintf(out + len, TEXT_BYTES - len, "%s%s", level > 0 ? "/" : "",
                                levels[number % choices]);
        number /= choices;
    }
}

static size_t paths_of(size_t firsts, size_t dollars, size_t depth)
{
    size_t paths = firsts;
    for (size_t level = 1; level < depth; level++)
        paths *= firsts - dollars;
    return paths;
}

static void add_filters(struct universe *u)
{
    static const char *const levels[] = { "a", "b", "", "+", "$s" };
    (void)snprintf(u->filter[u->filters++], TEXT_BYTES, "#");
    for (size_t depth = 1; depth <= 4; depth++) {
        for (size_t number = 0; number < paths_of(5, 1, depth); number++) {
            char path[TEXT_BYTES];
            write_path(path, levels, 5, 1, depth, number);
            if (path[0] != '\0')
                memcpy(u->filter[u->filters++], path, TEXT_BYTES);
            if (depth < 4)
                (void)snprintf(u->filter[u->filters++], TEXT_BYTES, "%.12s/#", path);
        }
    }
}

static void add_topics(struct universe *u)
{
    static const char *const levels[] = { "a", "b", "c", "", "$s", "$t" };
    for (size_t depth = 1; depth <= 5; depth++) {
        for (size_t number = 0; number < paths_of(6, 2, depth); number++) {
            write_path(u->topic[u->topics], levels, 6, 2, depth, number);
            u->topics += u->topic[u->topics][0] != '\0';
        }
    }
}

static struct universe *universe_new(void)
{
    struct universe *u = calloc(1, sizeof(*u));
    assert_non_null(u);
    add_filters(u);
    add_topics(u);
    for (size_t f = 0; f < u->filters; f++) {
        for (size_t t = 0; t < u->topics; t++) {
            if (mqtt_topic_matches(span_of(u->filter[f]), span_of(u->topic[t])))
                u->matches[f][t / 64] |= UINT64_C(1) << t % 64;
        }
    }
    return u;
}

static bool set_contains(const uint64_t *outer, const uint64_t *inner)
{
    for (size_t i = 0; i < WORDS; i++) {
        if ((inner[i] & ~outer[i]) != 0)
            return false;
    }
    return true;
}

static bool set_overlaps(const uint64_t *a, const uint64_t *b)
{
    for (size_t i = 0; i < WORDS; i++) {
        if ((a[i] & b[i]) != 0)
            return true;
    }
    return false;
}

static void the_universe_is_whole(void **state)
{
    struct universe *u = *state;
    /* 5 + 20 + 80 + 320 without "", and 1 + 5 + 20 + 80 that end in '#' */
    assert_int_equal(u->filters, 424 + 106);
    /* 6 + 24 + 96 + 384 + 1536 without "" */
    assert_int_equal(u->topics, 2045);
    for (size_t f = 0; f < u->filters; f++) {
        assert_true(mqtt_topic_filter_is_valid(span_of(u->filter[f])));
        assert_true(set_overlaps(u->matches[f], u->matches[f])); /* none is empty */
    }
}

static void filters_are_sets(void **state)
{
    const struct universe *u = *state;
    for (size_t i = 0; i < u->filters; i++) {
        for (size_t j = 0; j < u->filters; j++) {
            struct mqtt_span a = span_of(u->filter[i]), b = span_of(u->filter[j]);
            if (filter_contains(a, b) != set_contains(u->matches[i], u->matches[j]))
                fail_msg("does %s contain %s?", u->filter[i], u->filter[j]);
            if (filter_overlaps(a, b) != set_overlaps(u->matches[i], u->matches[j]))
                fail_msg("does %s overlap %s?", u->filter[i], u->filter[j]);
        }
    }
}

/* "a" is written "%{device}" and "b" as "%{site}", for a device a and a site b. */
static void write_pattern(char out[64], const char *filter)
{
    size_t len = 0;
    out[0] = '\0';
    for (; *filter != '\0'; filter++) {
        char character[2] = { *filter, '\0' };
        const char *part = *filter == 'a' ? "%{device}" : *filter == 'b' ? "%{site}" : character;
        len += (size_t)snprintf(out + len, 64 - len, "%s", part);
    }
}

static void substitution_is_the_text_it_stands_for(void **state)
{
    const struct universe *u = *state;
    const struct identity identity = { .device = "a", .site = "b" };
    for (size_t i = 0; i < u->filters; i++) {
        char text[64];
        write_pattern(text, u->filter[i]);
        assert_null(pattern_fault(span_of(text)));
        struct pattern pattern = pattern_of(span_of(text));
        for (size_t j = 0; j < u->filters; j++) {
            struct mqtt_span filter = span_of(u->filter[j]);
            assert_int_equal(pattern_contains(&pattern, &identity, filter),
                             filter_contains(span_of(u->filter[i]), filter));
            assert_int_equal(pattern_overlaps(&pattern, &identity, filter),
                             filter_overlaps(span_of(u->filter[i]), filter));
        }
    }
}

/* Without a device, a pattern grants nothing that needs one, and touches all that it
 * would touch with any device: what "+" touches in that level. */
static void a_missing_name_is_judged_strictly(void **state)
{
    const struct universe *u = *state;
    const struct identity identity = { .site = "b" };
    for (size_t i = 0; i < u->filters; i++) {
        char text[64], open[TEXT_BYTES];
        write_pattern(text, u->filter[i]);
        struct pattern pattern = pattern_of(span_of(text));
        bool needs_device = strchr(u->filter[i], 'a') != NULL;
        for (size_t at = 0; at < TEXT_BYTES; at++)
            open[at] = u->filter[i][at] == 'a' ? '+' : u->filter[i][at];
        for (size_t j = 0; j < u->filters; j++) {
            struct mqtt_span filter = span_of(u->filter[j]);
            bool contains = pattern_contains(&pattern, &identity, filter);
            assert_int_equal(contains, !needs_device && filter_contains(span_of(open), filter));
            assert_int_equal(pattern_overlaps(&pattern, &identity, filter),
                             filter_overlaps(span_of(open), filter));
        }
    }
}

/* Names are bytes [MQTT-4.7.3-4]: composed and decomposed, upper and lower case are different. */
static void spellings_are_names_of_their_own(void **state)
{
    static const char *const spellings[] = { "\xc3\xa9", "e\xcc\x81", "\xc3\x89", "e", "\xc7\xa4" };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(spellings); i++) {
        for (size_t j = 0; j < MQTT_ARRAY_LEN(spellings); j++) {
            struct mqtt_span a = test_span_new(spellings[i]);
            struct mqtt_span b = test_span_new(spellings[j]);
            assert_int_equal(filter_contains(a, b), i == j);
            assert_int_equal(filter_overlaps(a, b), i == j);
            assert_true(filter_contains(span_of("+"), a));
            test_span_free(a);
            test_span_free(b);
        }
    }
}

static void as_deep_as_a_filter_can_be(void **state)
{
    size_t levels = 32768; /* 65535 bytes */
    uint8_t *wide = malloc(2 * levels);
    uint8_t *narrow = malloc(2 * levels);

    (void)state;
    assert_true(wide != NULL && narrow != NULL);
    for (size_t i = 0; i < levels; i++) {
        wide[2 * i] = '+';
        narrow[2 * i] = 'a';
        wide[2 * i + 1] = narrow[2 * i + 1] = '/';
    }
    struct mqtt_span outer = { wide, 2 * levels - 1 };
    struct mqtt_span inner = { narrow, 2 * levels - 1 };
    assert_true(filter_contains(outer, inner));
    assert_false(filter_contains(inner, outer));
    assert_true(filter_overlaps(inner, outer));
    inner.len -= 2;
    assert_false(filter_contains(outer, inner));
    assert_false(filter_overlaps(inner, outer));
    free(wide);
    free(narrow);
}

static void intersections_in_little_room(void **state)
{
    static const char *const cases[][3] = {
        { "#", "#", "#" },          { "#", "/#", "/#" },
        { "/#", "/#", "/#" },       { "+/#", "#", "#" },
        { "a/+", "+/b", "a/b" },    { "a/#", "+/+/c", "a/+/c" },
        { "a/#", "a", "a" },        { "/+", "+/", "/" },
        { "$s/+", "$s/#", "$s/+" }, { "\xc3\xa9/+", "+/b", "\xc3\xa9/b" },
    };
    static const char *const apart[][2] = {
        { "a", "b" }, { "a", "a/+" }, { "#", "$s" }, { "/#", "+" }, { "\xc3\xa9", "e\xcc\x81" },
    };
    uint8_t out[16];

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_span a = span_of(cases[i][0]), b = span_of(cases[i][1]);
        struct mqtt_span both = span_of(cases[i][2]);
        for (size_t size = 0; size <= a.len + b.len; size++) {
            size_t len = filter_intersect(a, b, out, size);
            assert_int_equal(len, size >= both.len ? both.len : 0);
            assert_true(len == 0 || memcmp(out, both.data, len) == 0);
        }
    }
    for (size_t i = 0; i < MQTT_ARRAY_LEN(apart); i++)
        assert_int_equal(
            filter_intersect(span_of(apart[i][0]), span_of(apart[i][1]), out, sizeof(out)), 0);
}

/* The algebra is about what a shared subscription matches, not about its name. */
static void a_shared_subscription_is_its_filter(void **state)
{
    static const char *const cases[][2] = {
        { "$share/g/a/+", "a/+" },
        { "$share/g/$SYS/#", "$SYS/#" },
        { "$share/g//", "/" },
        { "$share/g/$share/h/a", "$share/h/a" },
        { "a/$share/g", "a/$share/g" },
        { "$share", "$share" },
        { "$shared/g/a", "$shared/g/a" },
        { "$share/g", "$share/g" },
        { "$share//a", "$share//a" },
        { "$share/+/a", "$share/+/a" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_span text = test_span_new(cases[i][0]);
        assert_true(span_equal(filter_unshared(text), span_of(cases[i][1])));
        test_span_free(text);
    }
}

static int set_up(void **state)
{
    *state = universe_new();
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_universe_is_whole),
        cmocka_unit_test(filters_are_sets),
        cmocka_unit_test(substitution_is_the_text_it_stands_for),
        cmocka_unit_test(a_missing_name_is_judged_strictly),
        cmocka_unit_test(spellings_are_names_of_their_own),
        cmocka_unit_test(as_deep_as_a_filter_can_be),
        cmocka_unit_test(intersections_in_little_room),
        cmocka_unit_test(a_shared_subscription_is_its_filter),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
