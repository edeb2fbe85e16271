/* SPDX-License-Identifier: Apache-2.0 */
#include "core/retained_tree.h"

#include "base/testing.h"
#include "codec/topic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

static const struct siphash_key hash_key = { 0xfeed, 0xbeef };

#define TOPICS 780 /* 5 + 25 + 125 + 625 */

struct model {
    struct retained_tree *tree;
    char topics[TOPICS][16];
    bool present[TOPICS];
    unsigned visits[TOPICS];
    unsigned stop_after; /* visits; 0: never */
    unsigned visited;
};

/* Every topic of one to four levels from five. The value of a topic is its row. */
static void name_topics(struct model *model)
{
    static const char *const levels[] = { "a", "b", "", "$s", "ab" };
    size_t made = 0;
    for (unsigned depth = 1, of_depth = 5; depth <= 4; depth++, of_depth *= 5) {
        for (unsigned number = 0; number < of_depth; number++, made++) {
            size_t len = 0;
            for (unsigned level = 0, rest = number; level < depth; level++, rest /= 5)
                len += (size_t)snprintf(model->topics[made] + len, 16 - len, "%s%s",
                                        level > 0 ? "/" : "", levels[rest % 5]);
            if (len == 0)
                model->topics[made][0] = 'c'; /* the empty topic is none */
        }
    }
    assert_int_equal(made, TOPICS);
}

static struct model *model_new(void)
{
    struct model *model = calloc(1, sizeof(*model));
    assert_non_null(model);
    model->tree = retained_tree_new(&hash_key);
    assert_non_null(model->tree);
    name_topics(model);
    return model;
}

static void model_free(struct model *model)
{
    retained_tree_free(model->tree, NULL);
    free(model);
}

static void toggle(struct model *model, size_t i)
{
    struct mqtt_span topic = test_span_new(model->topics[i]);
    if (model->present[i]) {
        assert_ptr_equal(retained_tree_take(model->tree, topic), model->topics[i]);
    } else {
        void *old = model;
        assert_int_equal(retained_tree_put(model->tree, topic, model->topics[i], &old), 0);
        assert_null(old);
    }
    test_span_free(topic);
    model->present[i] = !model->present[i];
}

static bool note(void *context, struct mqtt_span topic, void *value)
{
    struct model *model = context;
    size_t i = (size_t)((char(*)[16])value - model->topics);
    assert_true(i < TOPICS && span_equal(topic, span_of(model->topics[i])));
    model->visits[i]++;
    model->visited++;
    return model->visited != model->stop_after;
}

static unsigned match(struct model *model, const char *filter)
{
    struct mqtt_span span = test_span_new(filter);
    memset(model->visits, 0, sizeof(model->visits));
    model->visited = 0;
    retained_tree_match(model->tree, span, note, model);
    test_span_free(span);
    return model->visited;
}

static void random_filter(struct test_random *random, char out[32])
{
    static const char *const levels[] = { "a", "b", "", "$s", "ab", "x", "+", "+", "#" };
    size_t len = 0;
    while (len == 0) {
        size_t depth = 1 + test_random_below(random, 5);
        bool many = false;
        for (size_t i = 0; i < depth && !many; i++) {
            const char *level = levels[test_random_below(random, 9)];
            len += (size_t)snprintf(out + len, 32 - len, "%s%s", i > 0 ? "/" : "", level);
            many = *level == '#';
        }
    }
}

static void agrees_with_matching_one_by_one(void **state)
{
    (void)state;
    struct test_random random = { 77 };
    struct model *model = model_new();
    size_t present = 0;
    for (size_t step = 0; step < 12000; step++) {
        /* Mostly filling, then mostly emptying, so that both shapes are asked. */
        size_t i = test_random_below(&random, TOPICS);
        bool filling = step / 3000 % 2 == 0;
        if (model->present[i] != filling || test_random_below(&random, 4) == 0) {
            toggle(model, i);
            present = model->present[i] ? present + 1 : present - 1;
        }
        assert_int_equal(retained_tree_count(model->tree), present);
        if (step % 8 != 0)
            continue;
        char filter[32];
        random_filter(&random, filter);
        match(model, filter);
        for (i = 0; i < TOPICS; i++) {
            bool expected =
                model->present[i] && mqtt_topic_matches(span_of(filter), span_of(model->topics[i]));
            if (model->visits[i] != expected)
                fail_msg("filter %s, topic %s: %u", filter, model->topics[i], model->visits[i]);
            void *found = retained_tree_find(model->tree, span_of(model->topics[i]));
            assert_ptr_equal(found, model->present[i] ? model->topics[i] : NULL);
        }
    }
    model_free(model);
}

/* Unlike "#", also what starts with '$'. */
static void each_visits_all_until_told_to_stop(void **state)
{
    (void)state;
    struct model *model = model_new();
    for (size_t i = 0; i < TOPICS; i += 2)
        toggle(model, i);
    retained_tree_each(model->tree, note, model);
    for (size_t i = 0; i < TOPICS; i++)
        assert_int_equal(model->visits[i], model->present[i]);
    model->visited = 0;
    model->stop_after = 5;
    retained_tree_each(model->tree, note, model);
    assert_int_equal(model->visited, 5);
    model_free(model);
}

static void the_visitor_stops_the_walk(void **state)
{
    (void)state;
    static const char *const filters[] = { "#", "+/+", "a/#", "+/#", "a/+/b", "a" };
    struct model *model = model_new();
    for (size_t i = 0; i < TOPICS; i++)
        toggle(model, i);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(filters); i++) {
        model->stop_after = 0;
        unsigned all = match(model, filters[i]);
        assert_true(all > 0);
        for (model->stop_after = 1; model->stop_after <= all; model->stop_after++)
            assert_int_equal(match(model, filters[i]), model->stop_after);
    }
    model_free(model);
}

static void putting_again_hands_back_the_old_value(void **state)
{
    (void)state;
    struct retained_tree *tree = retained_tree_new(&hash_key);
    assert_non_null(tree);
    int first = 1, second = 2;
    void *old = &first;
    assert_int_equal(retained_tree_put(tree, span_of("a/b"), &first, &old), 0);
    assert_null(old);
    assert_int_equal(retained_tree_put(tree, span_of("a/b"), &second, &old), 0);
    assert_ptr_equal(old, &first);
    assert_int_equal(retained_tree_count(tree), 1);
    assert_null(retained_tree_take(tree, span_of("a"))); /* on the way, but holds nothing */
    assert_null(retained_tree_find(tree, span_of("a")));
    assert_ptr_equal(retained_tree_take(tree, span_of("a/b")), &second);
    assert_null(retained_tree_take(tree, span_of("a/b")));
    assert_int_equal(retained_tree_count(tree), 0);
    retained_tree_free(tree, NULL);
    retained_tree_free(NULL, NULL);
}

static void count_release(void *value)
{
    ++*(int *)value;
}

static void freeing_releases_each_value(void **state)
{
    (void)state;
    static const char *const topics[] = { "a", "a/b", "/", "$SYS/x" };
    int released[4] = { 0 };
    struct retained_tree *tree = retained_tree_new(&hash_key);
    assert_non_null(tree);
    void *old;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(retained_tree_put(tree, span_of(topics[i]), &released[i], &old), 0);
    retained_tree_free(tree, count_release);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(released[i], 1);
}

static bool count_visit(void *context, struct mqtt_span topic, void *value)
{
    (void)topic;
    (void)value;
    ++*(size_t *)context;
    return true;
}

/* 32768 levels down and back, for every way to walk there. */
static void depth_costs_no_stack(void **state)
{
    (void)state;
    static uint8_t topic[65535], filter[65535];
    for (size_t i = 0; i < sizeof(topic); i++) {
        topic[i] = i % 2 == 0 ? 'a' : '/';
        filter[i] = i % 2 == 0 ? '+' : '/';
    }
    struct retained_tree *tree = retained_tree_new(&hash_key);
    assert_non_null(tree);
    int value = 0;
    void *old;
    struct mqtt_span deep = { topic, sizeof(topic) };
    assert_int_equal(retained_tree_put(tree, deep, &value, &old), 0);
    size_t visits = 0;
    retained_tree_match(tree, (struct mqtt_span){ filter, sizeof(filter) }, count_visit, &visits);
    retained_tree_match(tree, span_of("#"), count_visit, &visits);
    retained_tree_match(tree, span_of("a/+/#"), count_visit, &visits);
    retained_tree_match(tree, deep, count_visit, &visits);
    assert_int_equal(visits, 4);
    assert_ptr_equal(retained_tree_take(tree, deep), &value);
    retained_tree_free(tree, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(agrees_with_matching_one_by_one),
        cmocka_unit_test(each_visits_all_until_told_to_stop),
        cmocka_unit_test(the_visitor_stops_the_walk),
        cmocka_unit_test(putting_again_hands_back_the_old_value),
        cmocka_unit_test(freeing_releases_each_value),
        cmocka_unit_test(depth_costs_no_stack),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
