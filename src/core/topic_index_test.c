/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic_index.h"

#include "base/testing.h"
#include "codec/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct siphash_key hash_key = { 0xfeed, 0xbeef };

#define SEEN_MAX 2048

struct seen {
    size_t count;
    struct topic_filter *filters[SEEN_MAX];
};

static void note(void *context, struct topic_filter *filter)
{
    struct seen *seen = context;
    assert_true(seen->count < SEEN_MAX);
    seen->filters[seen->count++] = filter;
}

static size_t times_seen(const struct seen *seen, const struct topic_filter *filter)
{
    size_t times = 0;
    for (size_t i = 0; i < seen->count; i++)
        times += seen->filters[i] == filter;
    return times;
}

static bool is_among(const struct seen *seen, const char *text)
{
    bool found = false;
    for (size_t i = 0; i < seen->count; i++)
        found |= span_equal(topic_filter_text(seen->filters[i]), span_of(text));
    return found;
}

static int attach(struct topic_index *index, const char *filter, struct topic_link *link)
{
    struct mqtt_span span = test_span_new(filter);
    int error = topic_index_attach(index, span, link);
    test_span_free(span);
    return error;
}

static size_t match(struct topic_index *index, const char *topic, struct seen *seen)
{
    struct mqtt_span span = test_span_new(topic);
    seen->count = 0;
    topic_index_match(index, span, note, seen);
    test_span_free(span);
    return seen->count;
}

struct row {
    const char *filter;
    const char *topic;
    bool matches;
};

static const struct row rows[] = {
    { "a", "a", true },
    { "a", "A", false }, /* [MQTT-4.7.3-4] */
    { "a", "/a", false },
    { "a/b", "a", false },
    { "/", "/", true },
    { "+/+", "/", true },
    { "/+", "/", true },
    { "+", "/", false },
    { "#", "a/b/c", true },
    { "#", "/", true },
    { "/#", "/", true },
    { "/#", "/a", true },
    { "/#", "a", false },
    { "sport/#", "sport", true },
    { "sport/#", "sport/", true },
    { "sport/#", "sport/tennis/player", true },
    { "sport/#", "sports", false },
    { "sport/+", "sport", false },
    { "sport/+", "sport/", true },
    { "+/b/#", "a/b", true },
    { "+/b/#", "a/b/c/d", true },
    { "+/+/#", "a", false },
    { "a/+/c", "a/b/c", true },
    { "a/+/c", "a//c", true },
    { "a/+/c", "a/b/d", false },
    { "#", "$SYS/x", false }, /* [MQTT-4.7.2-1] */
    { "+/x", "$SYS/x", false },
    { "+", "$SYS", false },
    { "+/#", "$SYS", false },
    { "$SYS/#", "$SYS/x", true },
    { "$SYS/+", "$SYS/x", true },
    { "a/+", "a/$SYS", true },
};

static void one_filter_one_topic(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct topic_index *index = topic_index_new(&hash_key);
        assert_non_null(index);
        struct topic_link link = { { NULL, NULL } };
        struct seen seen;
        assert_int_equal(attach(index, rows[i].filter, &link), 0);
        if (match(index, rows[i].topic, &seen) != rows[i].matches)
            fail_msg("%s and %s", rows[i].filter, rows[i].topic);
        topic_index_detach(index, &link);
        assert_int_equal(match(index, rows[i].topic, &seen), 0);
        topic_index_free(index);
    }
}

static void a_filter_lives_as_long_as_its_links(void **state)
{
    (void)state;
    struct topic_index *index = topic_index_new(&hash_key);
    assert_non_null(index);
    size_t empty_bytes = topic_index_bytes(index);
    struct topic_link links[3] = { { { NULL, NULL } } };
    struct seen seen;
    assert_int_equal(attach(index, "home/+/temperature", &links[0]), 0);
    assert_int_equal(attach(index, "home/+/temperature", &links[1]), 0);
    assert_int_equal(attach(index, "home/kitchen", &links[2]), 0);
    assert_int_equal(topic_index_filters(index), 2);
    assert_true(topic_index_bytes(index) > empty_bytes);
    assert_int_equal(match(index, "home/x/temperature", &seen), 1);
    assert_true(span_equal(topic_filter_text(seen.filters[0]), span_of("home/+/temperature")));

    size_t links_seen = 0;
    list_for_each (node, topic_filter_links(seen.filters[0])) {
        assert_true(node == &links[0].in_filter || node == &links[1].in_filter);
        links_seen++;
    }
    assert_int_equal(links_seen, 2);

    topic_index_detach(index, &links[0]);
    topic_index_detach(index, &links[0]); /* detached already: fine */
    assert_false(list_is_linked(&links[0].in_filter));
    assert_int_equal(match(index, "home/x/temperature", &seen), 1);
    topic_index_detach(index, &links[1]);
    assert_int_equal(match(index, "home/x/temperature", &seen), 0);
    topic_index_detach(index, &links[2]);
    assert_int_equal(topic_index_filters(index), 0);
    topic_index_free(index);
    topic_index_free(NULL);
}

static void the_exact_filter_comes_first(void **state)
{
    (void)state;
    static const char *const filters[] = { "#", "a/+", "a/b", "+/b", "a/b/#" };
    struct topic_index *index = topic_index_new(&hash_key);
    assert_non_null(index);
    struct topic_link links[5] = { { { NULL, NULL } } };
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(attach(index, filters[i], &links[i]), 0);
    struct seen seen;
    assert_int_equal(match(index, "a/b", &seen), 5);
    assert_true(span_equal(topic_filter_text(seen.filters[0]), span_of("a/b")));
    for (size_t i = 0; i < 5; i++)
        topic_index_detach(index, &links[i]);
    topic_index_free(index);
}

/* A random path of 1..5 levels; with wildcards a filter, without them a topic. */
static void random_path(struct test_random *random, bool wildcards, char out[32])
{
    static const char *const levels[] = { "a", "b", "", "$s", "ab", "+", "#" };
    bool valid = false;
    while (!valid) {
        size_t depth = 1 + test_random_below(random, 5);
        size_t len = 0;
        bool many = false;
        for (size_t i = 0; i < depth && !many; i++) {
            const char *level = levels[test_random_below(random, wildcards ? 7 : 5)];
            len += (size_t)snprintf(out + len, 32 - len, "%s%s", i > 0 ? "/" : "", level);
            many = *level == '#';
        }
        valid = len > 0;
    }
}

#define LINKS 300

struct subscriber {
    struct topic_link link;
    char filter[32];
};

static void check_topic(struct topic_index *index, struct subscriber *subscribers,
                        const char *topic)
{
    struct seen seen;
    size_t matched = match(index, topic, &seen);
    for (size_t i = 0; i < matched; i++)
        assert_int_equal(times_seen(&seen, seen.filters[i]), 1);
    for (size_t i = 0; i < LINKS; i++) {
        const struct subscriber *s = &subscribers[i];
        if (!list_is_linked(&s->link.in_filter))
            continue;
        bool expected = mqtt_topic_matches(span_of(s->filter), span_of(topic));
        if (is_among(&seen, s->filter) != expected)
            fail_msg("filter %s, topic %s", s->filter, topic);
    }
}

static void agrees_with_matching_one_by_one(void **state)
{
    (void)state;
    struct test_random random = { 2024 };
    struct topic_index *index = topic_index_new(&hash_key);
    struct subscriber *subscribers = calloc(LINKS, sizeof(*subscribers));
    assert_non_null(index);
    assert_non_null(subscribers);
    for (size_t step = 0; step < 20000; step++) {
        struct subscriber *s = &subscribers[test_random_below(&random, LINKS)];
        topic_index_detach(index, &s->link);
        if (test_random_below(&random, 3) != 0) {
            random_path(&random, true, s->filter);
            assert_int_equal(attach(index, s->filter, &s->link), 0);
        }
        char topic[32];
        random_path(&random, false, topic);
        if (step % 4 == 0)
            check_topic(index, subscribers, topic);
    }
    for (size_t i = 0; i < LINKS; i++)
        topic_index_detach(index, &subscribers[i].link);
    assert_int_equal(topic_index_filters(index), 0);
    assert_true(topic_index_bytes(index) < 2000); /* nothing but two small tables */
    free(subscribers);
    topic_index_free(index);
}

/* All 1024 filters of ten levels 'a' or '+' match: each branch is taken once. */
static void every_branch_is_walked_once(void **state)
{
    (void)state;
    static struct topic_link links[1024];
    struct topic_index *index = topic_index_new(&hash_key);
    assert_non_null(index);
    for (unsigned i = 0; i < 1024; i++) {
        char filter[20] = "";
        for (unsigned level = 0; level < 10; level++) {
            filter[2 * level] = i >> level & 1 ? '+' : 'a';
            filter[2 * level + 1] = level < 9 ? '/' : '\0';
        }
        assert_int_equal(attach(index, filter, &links[i]), 0);
    }
    struct seen seen;
    assert_int_equal(match(index, "a/a/a/a/a/a/a/a/a/a", &seen), 1024);
    assert_int_equal(match(index, "b/a/a/a/a/a/a/a/a/a", &seen), 512);
    for (unsigned i = 0; i < 1024; i++)
        topic_index_detach(index, &links[i]);
    topic_index_free(index);
}

/* The longest there are: 32768 levels. A walk that recursed would need a stack of
 * megabytes; tests run on the ordinary one, under the sanitizers. */
static void depth_costs_no_stack(void **state)
{
    (void)state;
    static uint8_t filter[65535], topic[65535];
    for (size_t i = 0; i < sizeof(filter); i++) {
        filter[i] = i % 2 == 0 ? '+' : '/';
        topic[i] = i % 2 == 0 ? 'a' : '/';
    }
    struct topic_index *index = topic_index_new(&hash_key);
    assert_non_null(index);
    struct topic_link links[2] = { { { NULL, NULL } } };
    struct seen seen = { .count = 0 };
    assert_int_equal(topic_index_attach(index, (struct mqtt_span){ filter, 65535 }, &links[0]), 0);
    filter[65534] = '#';
    assert_int_equal(topic_index_attach(index, (struct mqtt_span){ filter, 65535 }, &links[1]), 0);
    topic_index_match(index, (struct mqtt_span){ topic, 65535 }, note, &seen);
    assert_int_equal(seen.count, 2);
    seen.count = 0;
    topic_index_match(index, (struct mqtt_span){ topic, 65533 }, note, &seen);
    assert_int_equal(seen.count, 1); /* the '#' of the parent level */
    topic_index_detach(index, &links[0]);
    topic_index_detach(index, &links[1]);
    topic_index_free(index);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_filter_one_topic),
        cmocka_unit_test(a_filter_lives_as_long_as_its_links),
        cmocka_unit_test(the_exact_filter_comes_first),
        cmocka_unit_test(agrees_with_matching_one_by_one),
        cmocka_unit_test(every_branch_is_walked_once),
        cmocka_unit_test(depth_costs_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
