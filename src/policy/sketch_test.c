/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/sketch.h"

#include "base/testing.h"
#include "codec/topic.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct siphash_key key = { 1, 2 };
static const struct identity lamp = { .device = "lamp", .role = "light", .tenant = "acme" };

static struct sketch *make(size_t entries_max)
{
    struct sketch *sketch = sketch_new(&key, entries_max);
    assert_non_null(sketch);
    return sketch;
}

static void note(struct sketch *sketch, const char *device, const char *topic, int64_t now_s)
{
    struct mqtt_span span = test_span_new(topic);
    sketch_note(sketch, &(struct identity){ .device = device, .role = "light" }, POLICY_PUBLISH,
                span, true, now_s);
    test_span_free(span);
}

/* The whole text form. */
struct text {
    char *at;
    size_t len;
};

static int put(void *context, struct mqtt_span line)
{
    struct text *text = context;
    text->at = realloc(text->at, text->len + line.len + 1);
    assert_non_null(text->at);
    memcpy(text->at + text->len, line.data, line.len);
    text->len += line.len;
    text->at[text->len] = '\0';
    return 0;
}

static struct text write_text(const struct sketch *sketch)
{
    struct text text = { NULL, 0 };
    assert_int_equal(sketch_write(sketch, put, &text), 0);
    return text;
}

static void assert_text(const struct sketch *sketch, const char *expected)
{
    struct text text = write_text(sketch);
    assert_string_equal(text.at, expected);
    free(text.at);
}

struct search {
    const char *topic;
    struct sketch_entry found; /* count 0: not */
};

static int look(void *context, const struct sketch_entry *entry)
{
    struct search *search = context;
    if (!span_equal(entry->topic, span_of(search->topic)))
        return 0;
    search->found = *entry;
    return 1;
}

static struct sketch_entry find(const struct sketch *sketch, const char *topic)
{
    struct search search = { .topic = topic };
    (void)sketch_each(sketch, look, &search);
    return search.found;
}

static void what_is_noted_is_counted(void **state)
{
    (void)state;
    struct sketch *sketch = make(8);
    sketch_set_since(sketch, 90);
    sketch_note(sketch, &lamp, POLICY_PUBLISH, span_of("a/b"), true, 100);
    sketch_note(sketch, &lamp, POLICY_PUBLISH, span_of("a/b"), true, 107);
    sketch_note(sketch, &lamp, POLICY_PUBLISH, span_of("a/b"), false, 108);
    sketch_note(sketch, &lamp, POLICY_SUBSCRIBE, span_of("a/b"), true, 109);
    sketch_note(sketch, &(struct identity){ .role = "guest" }, POLICY_SUBSCRIBE, span_of("a/+/#"),
                false, 110);
    sketch_note(sketch, &lamp, POLICY_SUBSCRIBE, span_of("$share/g/a/b"), true, 111);
    sketch_note(sketch, &lamp, POLICY_SUBSCRIBE, span_of("$share/h/a/b"), true, 112);
    assert_int_equal(sketch_count(sketch), 5);
    assert_text(sketch, "tacit-observed 1\t90\t0\t0\t0\n"
                        "lamp\tlight\tacme\t\tpublish\tallowed\texact\t2\t100\t107\ta/b\n"
                        "lamp\tlight\tacme\t\tpublish\trefused\texact\t1\t108\t108\ta/b\n"
                        "lamp\tlight\tacme\t\tsubscribe\tallowed\texact\t1\t109\t109\ta/b\n"
                        "\tguest\t\t\tsubscribe\trefused\texact\t1\t110\t110\ta/+/#\n"
                        "lamp\tlight\tacme\t\tshare\tallowed\texact\t2\t111\t112\ta/b\n");
    sketch_free(sketch);
    sketch_free(NULL);
}

static void an_identity_has_few_topics(void **state)
{
    (void)state;
    struct sketch *sketch = make(100);
    char topic[64];
    note(sketch, "lamp", "other/x", 1);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(topic, sizeof(topic), "room/%d/on", i);
        note(sketch, "lamp", topic, 2 + i);
    }
    /* The topics of a room are one shape by now, and what does not look like them is itself. */
    assert_int_equal(sketch_count(sketch), 2);
    struct sketch_entry rooms = find(sketch, "room/+/on");
    assert_int_equal(rooms.count, 1000);
    assert_true(rooms.generalised);
    assert_int_equal(rooms.first_s, 2);
    assert_int_equal(rooms.last_s, 1001);
    assert_false(find(sketch, "other/x").generalised);
    assert_int_equal(sketch_drops_of(sketch).topics, 0);
    sketch_free(sketch);
}

static void what_cannot_be_joined_goes(void **state)
{
    (void)state;
    struct sketch *sketch = make(100);
    char topic[64];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(topic, sizeof(topic), "a%d/b%d", i, i);
        note(sketch, "lamp", topic, i);
    }
    assert_int_equal(sketch_count(sketch), SKETCH_TOPICS_MAX);
    assert_int_equal(sketch_drops_of(sketch).topics, 4);
    assert_int_equal(find(sketch, "a3/b3").count, 0);
    assert_int_equal(find(sketch, "a4/b4").count, 1);
    /* Another identity has its own. */
    note(sketch, "lamp2", "a/b", 30);
    assert_int_equal(sketch_count(sketch), SKETCH_TOPICS_MAX + 1);
    sketch_free(sketch);
}

static void system_topics_join_below_their_first_level(void **state)
{
    (void)state;
    struct sketch *sketch = make(100);
    char topic[64];
    for (int i = 0; i < 20; i++) {
        (void)snprintf(topic, sizeof(topic), "$%d/x", i);
        note(sketch, "lamp", topic, i);
    }
    assert_int_equal(sketch_drops_of(sketch).topics, 4);
    for (int i = 0; i < 20; i++) {
        (void)snprintf(topic, sizeof(topic), "$SYS/%d", i);
        note(sketch, "bell", topic, i);
    }
    assert_int_equal(find(sketch, "$SYS/+").count, 20);
    sketch_free(sketch);
}

static void filters_with_wildcards_stay_as_they_are(void **state)
{
    (void)state;
    struct sketch *sketch = make(100);
    char topic[64];
    for (int i = 0; i < 18; i++) {
        (void)snprintf(topic, sizeof(topic), "a/%d/+", i);
        sketch_note(sketch, &lamp, POLICY_SUBSCRIBE, span_of(topic), true, i);
    }
    assert_int_equal(sketch_count(sketch), SKETCH_TOPICS_MAX);
    assert_int_equal(sketch_drops_of(sketch).topics, 2);
    assert_false(find(sketch, "a/5/+").generalised);

    /* The filter "b/+" is not what stands for several topics. */
    const struct identity bell = { .device = "bell" };
    for (int i = 0; i < 17; i++) {
        (void)snprintf(topic, sizeof(topic), "b/%d", i);
        sketch_note(sketch, &bell, POLICY_SUBSCRIBE, span_of(topic), true, i);
    }
    sketch_note(sketch, &bell, POLICY_SUBSCRIBE, span_of("b/+"), true, 20);
    assert_int_equal(sketch_count(sketch), SKETCH_TOPICS_MAX + 2);
    sketch_free(sketch);
}

static void the_whole_is_bounded(void **state)
{
    (void)state;
    struct sketch *sketch = make(3);
    note(sketch, "a", "t", 1);
    note(sketch, "b", "t", 2);
    note(sketch, "c", "t", 3);
    note(sketch, "a", "t", 4);
    note(sketch, "d", "t", 5);
    assert_int_equal(sketch_count(sketch), 3);
    assert_int_equal(sketch_drops_of(sketch).entries, 1);
    assert_text(sketch, "tacit-observed 1\t0\t0\t1\t0\n"
                        "c\tlight\t\t\tpublish\tallowed\texact\t1\t3\t3\tt\n"
                        "a\tlight\t\t\tpublish\tallowed\texact\t2\t1\t4\tt\n"
                        "d\tlight\t\t\tpublish\tallowed\texact\t1\t5\t5\tt\n");
    sketch_free(sketch);
}

static void long_topics_are_only_counted(void **state)
{
    (void)state;
    struct sketch *sketch = make(3);
    char topic[SKETCH_TOPIC_BYTES + 2];
    memset(topic, 'x', sizeof(topic));
    topic[SKETCH_TOPIC_BYTES + 1] = '\0';
    note(sketch, "a", topic, 1);
    assert_int_equal(sketch_count(sketch), 0);
    assert_int_equal(sketch_drops_of(sketch).unrecorded, 1);
    topic[SKETCH_TOPIC_BYTES] = '\0';
    note(sketch, "a", topic, 1);
    assert_int_equal(sketch_count(sketch), 1);
    sketch_free(sketch);
}

static void sketches_merge(void **state)
{
    (void)state;
    struct sketch *a = make(4);
    struct sketch *b = make(4);
    sketch_set_since(a, 50);
    sketch_set_since(b, 40);
    note(a, "x", "t", 100);
    note(a, "y", "t", 300);
    note(b, "x", "t", 90);
    note(b, "z", "t", 200);
    note(b, "w", "t", 400);
    note(b, "v", "t", 500);
    sketch_merge(a, b);
    assert_text(a, "tacit-observed 1\t40\t0\t1\t0\n"
                   "z\tlight\t\t\tpublish\tallowed\texact\t1\t200\t200\tt\n"
                   "y\tlight\t\t\tpublish\tallowed\texact\t1\t300\t300\tt\n"
                   "w\tlight\t\t\tpublish\tallowed\texact\t1\t400\t400\tt\n"
                   "v\tlight\t\t\tpublish\tallowed\texact\t1\t500\t500\tt\n");
    sketch_free(a);
    sketch_free(b);
}

static bool promote(void *context, struct sketch_entry *entry)
{
    const char *left_out = context;
    if (span_equal(entry->topic, span_of(left_out)))
        return false;
    entry->identity.role = "lighthouse";
    entry->allowed = true;
    return true;
}

static void sketches_merge_changed(void **state)
{
    (void)state;
    struct sketch *into = make(8);
    struct sketch *from = make(8);
    sketch_set_since(from, 5);
    sketch_note(from, &lamp, POLICY_PUBLISH, span_of("a"), false, 10);
    sketch_note(from, &lamp, POLICY_PUBLISH, span_of("a"), true, 20);
    sketch_note(from, &lamp, POLICY_PUBLISH, span_of("b"), true, 30);
    sketch_merge_changed(into, from, promote, (void *)(uintptr_t) "b");
    assert_text(into, "tacit-observed 1\t5\t0\t0\t0\n"
                      "lamp\tlighthouse\tacme\t\tpublish\tallowed\texact\t2\t10\t20\ta\n");
    assert_int_equal(sketch_count(from), 3);
    sketch_free(into);
    sketch_free(from);
}

static void what_is_old_is_forgotten(void **state)
{
    (void)state;
    struct sketch *sketch = make(8);
    sketch_set_since(sketch, 5);
    note(sketch, "lamp", "a", 10);
    note(sketch, "lamp", "b", 20);
    note(sketch, "gone", "c", 19);
    sketch_forget(sketch, 20);
    assert_text(sketch, "tacit-observed 1\t20\t0\t0\t0\n"
                        "lamp\tlight\t\t\tpublish\tallowed\texact\t1\t20\t20\tb\n");
    sketch_forget(sketch, 10); /* it does not know more by that */
    assert_int_equal(sketch_since(sketch), 20);
    note(sketch, "gone", "c", 30);
    assert_int_equal(sketch_count(sketch), 2);
    sketch_free(sketch);
}

static void a_text_is_read_back(void **state)
{
    (void)state;
    struct sketch *from = make(1000);
    struct test_random random = { 7 };
    char topic[64];
    sketch_set_since(from, 12345);
    for (int i = 0; i < 2000; i++) {
        char device[8] = { 'd', (char)('a' + test_random_below(&random, 20)), '\0' };
        (void)snprintf(topic, sizeof(topic), "%c/\t%%\n%zu/%zu",
                       (char)test_random_below(&random, 31) + 1, test_random_below(&random, 9),
                       test_random_below(&random, 9));
        note(from, device, topic, i);
    }
    assert_true(sketch_drops_of(from).topics > 0);
    sketch_note(from, &lamp, POLICY_SUBSCRIBE, span_of("$share/g/a/+"), true, 5000);
    struct sketch *merged = make(1000);
    sketch_merge(merged, from);
    struct text text = write_text(merged);
    struct sketch *to = make(1000);
    size_t line = 0;
    struct mqtt_span exact = test_span_new(text.at);
    assert_int_equal(sketch_read(to, exact, &line), 0);
    test_span_free(exact);
    assert_text(to, text.at);
    assert_int_equal(sketch_since(to), 12345);
    free(text.at);
    sketch_free(from);
    sketch_free(merged);
    sketch_free(to);
}

#define HEAD "tacit-observed 1\t0\t0\t0\t0\n"

static void other_texts_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t line;
    } rows[] = {
        { "", 1 },
        { "tacit-observed 2\t0\t0\t0\t0\n", 1 },
        { "tacit-observed 1\t0\t0\t0\n", 1 },
        { "tacit-observed 1\t0\t0\t0\t-1\n", 1 },
        { "tacit-observed 1\t00\t0\t0\t0\n", 1 },
        { "tacit-observed 1\t0\t0\t0\t0", 1 },
        { "tacit-observed 1\t9223372036854775808\t0\t0\t0\n", 1 },
        { "tacit-observed 1\t0\t18446744073709551616\t0\t0\n", 1 },
        { HEAD "\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta\nx\n", 3 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta\tb\n", 2 },
        { HEAD "d e\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta\n", 2 },
        { HEAD "d%2B\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta\n", 2 },
        { HEAD "d\tr\t\t\tpush\tallowed\texact\t1\t1\t1\ta\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tmaybe\texact\t1\t1\t1\ta\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\tsome\t1\t1\t1\ta\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t0\t1\t1\ta\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t2\t1\ta\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\t\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta/+\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\tseveral\t1\t1\t1\ta/b\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\tseveral\t1\t1\t1\ta/+/#\n", 2 },
        { HEAD "d\tr\t\t\tsubscribe\tallowed\texact\t1\t1\t1\ta/#/b\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta%\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta%0\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta%0a\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta%41\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta%00\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\ta\x01\n", 2 },
        { HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\t\xff\n", 2 },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct sketch *sketch = make(3);
        struct mqtt_span text = test_span_new(rows[i].text);
        size_t line = 0;
        if (sketch_read(sketch, text, &line) != -EINVAL || line != rows[i].line)
            fail_msg("row %zu: line %zu, not %zu", i, line, rows[i].line);
        test_span_free(text);
        sketch_free(sketch);
    }
}

static void a_longer_text_is_cut_to_the_newest(void **state)
{
    (void)state;
    struct sketch *sketch = make(2);
    size_t line = 0;
    assert_int_equal(sketch_read(sketch,
                                 span_of(HEAD "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t9\ta\n"
                                              "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t1\tb\n"
                                              "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t2\tc\n"
                                              "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t8\td\n"
                                              "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t7\te\n"),
                                 &line),
                     0);
    assert_text(sketch, "tacit-observed 1\t0\t0\t3\t0\n"
                        "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t8\td\n"
                        "d\tr\t\t\tpublish\tallowed\texact\t1\t1\t9\ta\n");
    sketch_free(sketch);
}

struct judged {
    struct mqtt_span topic;
    const char *device;
    bool found;
};

static int stands_for(void *context, const struct sketch_entry *entry)
{
    struct judged *judged = context;
    if (strcmp(entry->identity.device, judged->device) == 0
        && mqtt_topic_matches(entry->topic, judged->topic))
        judged->found = true;
    return judged->found;
}

/* Whatever was noted and not dropped is in some shape of its identity. */
static void nothing_is_lost_uncounted(void **state)
{
    (void)state;
    struct test_random random = { 11 };
    char topics[400][32];
    struct sketch *sketch = make(10000);
    for (size_t i = 0; i < 400; i++) {
        (void)snprintf(topics[i], sizeof(topics[i]), "%zu/%zu/%zu", test_random_below(&random, 3),
                       test_random_below(&random, 6), test_random_below(&random, 6));
        note(sketch, "lamp", topics[i], (int64_t)i);
    }
    assert_int_equal(sketch_drops_of(sketch).topics, 0);
    for (size_t i = 0; i < 400; i++) {
        struct judged judged = { span_of(topics[i]), "lamp", false };
        (void)sketch_each(sketch, stands_for, &judged);
        assert_true(judged.found);
    }
    sketch_free(sketch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_noted_is_counted),
        cmocka_unit_test(an_identity_has_few_topics),
        cmocka_unit_test(what_cannot_be_joined_goes),
        cmocka_unit_test(system_topics_join_below_their_first_level),
        cmocka_unit_test(filters_with_wildcards_stay_as_they_are),
        cmocka_unit_test(the_whole_is_bounded),
        cmocka_unit_test(long_topics_are_only_counted),
        cmocka_unit_test(sketches_merge),
        cmocka_unit_test(sketches_merge_changed),
        cmocka_unit_test(what_is_old_is_forgotten),
        cmocka_unit_test(a_text_is_read_back),
        cmocka_unit_test(other_texts_are_refused),
        cmocka_unit_test(a_longer_text_is_cut_to_the_newest),
        cmocka_unit_test(nothing_is_lost_uncounted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
