/* SPDX-License-Identifier: Apache-2.0 */
#include "base/testing.h"
#include "sense/device.h"
#include "sense/evidence.h"
#include "sense/flow.h"
#include "sense/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define NOW 1000u

static void publish(struct sense_device *device, uint64_t now_ms, uint32_t topic, float value)
{
    const struct sense_publish event = {
        .topic = topic, .bytes = 30, .has_value = true, .value = value
    };
    (void)sense_on_publish(device, now_ms, &event);
}

static void what_happens_is_counted(void **state)
{
    (void)state;
    struct sense_device device = { 0 };
    const uint16_t *counts = device.window.counts;
    const struct sense_filter filter = { .filter = 7, .wildcards = 8, .is_reserved = true };

    sense_on_connect(&device, NOW, 1, 60);
    publish(&device, NOW + 1, 1, 1);
    publish(&device, NOW + 2, 2, 1);
    publish(&device, NOW + 3, 2, 1);
    (void)sense_on_delivered(&device, NOW + 3, 1, false);
    assert_true(sense_on_subscribe(&device, NOW + 4, &filter));
    (void)sense_on_subscribe(&device, NOW + 4, &filter);
    (void)sense_on_denied(&device, NOW + 5, true);
    (void)sense_on_denied(&device, NOW + 5, false);
    (void)sense_on_protocol_error(&device, NOW + 5);
    sense_on_backlog(&device, NOW + 5, 4095);
    sense_on_disconnect(&device, NOW + 6, true);
    assert_int_equal(counts[SENSE_CONNECTS], 1);
    assert_int_equal(counts[SENSE_PUBLISHES], 3);
    assert_int_equal(counts[SENSE_NEW_TOPICS], 2);
    assert_int_equal(counts[SENSE_TOPICS], 1); /* beyond the first */
    assert_int_equal(counts[SENSE_DELIVERED], 1);
    assert_int_equal(counts[SENSE_NEW_FILTERS], 1);
    assert_int_equal(counts[SENSE_WILDCARDS], 8);
    assert_int_equal(counts[SENSE_RESERVED], 2);
    assert_int_equal(counts[SENSE_DENIED_SUBSCRIBES], 1);
    assert_int_equal(counts[SENSE_DENIED_PUBLISHES], 1);
    assert_int_equal(counts[SENSE_PROTOCOL_ERRORS], 1);
    assert_int_equal(counts[SENSE_LOST], 1);
    assert_int_equal(device.window.backlog, 96);
    assert_false(device.present);
}

static void counts_stop_at_their_top(void **state)
{
    (void)state;
    struct sense_device device = { 0 };

    for (unsigned i = 0; i < 70000; i++)
        publish(&device, NOW, 1, 1);
    assert_int_equal(device.window.counts[SENSE_PUBLISHES], UINT16_MAX);
}

/* At the top each would be a power of two. */
static void no_look_pays_at_the_top(void **state)
{
    (void)state;
    struct sense_device device = { 0 };
    const struct sense_publish event = { .topic = 1, .bytes = 30 };
    unsigned looks = 0;

    device.evidence[SENSE_WILDCARDS] = 1;
    for (unsigned i = 0; i < 100000; i++)
        looks += sense_on_delivered(&device, NOW, 1, false);
    assert_int_equal(looks, 14); /* 4 to 32,768 */
    sense_device_rest(&device);
    for (unsigned i = 0; i < 100000; i++)
        looks += sense_on_publish(&device, NOW, &event);
    assert_int_equal(device.window.counts[SENSE_PUBLISHES], UINT16_MAX);
    assert_int_equal(looks, 28 + 1); /* and the topic was new */
}

/* What others publish is news of them, until it has asked for it. */
static void what_is_delivered_pays_for_who_asked(void **state)
{
    (void)state;
    struct sense_device device = { 0 };
    const struct sense_filter filter = { .filter = 7, .wildcards = 8 };
    unsigned looks = 0;

    for (unsigned i = 0; i < 40; i++)
        looks += sense_on_delivered(&device, NOW, 1, false);
    assert_int_equal(looks, 0);
    (void)sense_on_subscribe(&device, NOW, &filter);
    for (unsigned i = 0; i < 40; i++)
        looks += sense_on_delivered(&device, NOW, 1, false);
    assert_int_equal(looks, 1); /* at 64 */
}

static void a_size_is_known_by_its_octave(void **state)
{
    (void)state;
    static const uint32_t bytes[] = {
        0,     1,     2,     3,     30,    31,      4095,    32766,
        32767, 32768, 36000, 65535, 65536, 1000000, 1 << 24, 1u << 28
    };

    for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
        uint16_t size = sense_size_of(bytes[i]);
        assert_true(sense_size_octaves(size) * 8 >= sense_log2_eighths(bytes[i]));
        assert_true(sense_size_octaves(size) * 8 <= sense_log2_eighths(bytes[i]));
        assert_true(i == 0 || size >= sense_size_of(bytes[i - 1]));
    }
}

/* ---- messages that follow each other ---- */

/* What happened to a device, once as the broker tells it, and once in full. */
struct twins {
    struct sense_device flows;
    struct sense_device stands;
    struct test_random random;
    uint64_t now_ms;
    unsigned booked; /* by the short way */
    bool runs;
    struct sense_run run;
    unsigned added; /* to a run */
};

static void twins_settle(struct twins *twins)
{
    if (twins->runs)
        sense_run_end(&twins->run, &twins->flows);
    twins->runs = false;
}

static bool twins_take(struct twins *twins, const struct sense_publish *event)
{
    uint64_t bit = sense_flow_topic_bit(event->topic);

    if (twins->runs && sense_run_take(&twins->run, bit, event->bytes)) {
        twins->added++;
        return true;
    }
    twins_settle(twins);
    if (!sense_flow_publish(&twins->flows, twins->now_ms, bit, event->bytes))
        return false;
    sense_run_begin(&twins->run, &twins->flows);
    twins->runs = true;
    twins->booked++;
    return true;
}

static void twins_publish(struct twins *twins)
{
    static const uint32_t sizes[] = { 20, 24, 60, 60, 60, 60, 32767, 32768, 32900, 40000 };
    struct test_random *random = &twins->random;
    unsigned kind = (unsigned)test_random_below(random, 50);
    const struct sense_publish event = {
        .topic = (uint32_t)test_random_below(random, 3) * 0x1234567u,
        .bytes = sizes[test_random_below(random, MQTT_ARRAY_LEN(sizes))],
        .is_retained = kind == 1,
        .is_reserved = kind == 2,
        .has_value = kind == 3,
        .value = (float)test_random_below(random, 9),
    };
    bool is_plain = kind == 0 || kind > 2;
    bool pays = sense_on_publish(&twins->stands, twins->now_ms, &event);

    if (is_plain && twins_take(twins, &event)) {
        assert_false(pays);
        if (event.has_value)
            sense_on_value(&twins->flows, event.topic, event.value);
    } else {
        twins_settle(twins);
        assert_int_equal(sense_on_publish(&twins->flows, twins->now_ms, &event), pays);
    }
}

static void twins_deliver(struct twins *twins)
{
    bool is_echo = test_random_below(&twins->random, 4) == 0;
    unsigned messages = 1 + (unsigned)test_random_below(&twins->random, 6);
    bool pays = false;

    twins_settle(twins);
    for (unsigned i = 0; i < messages; i++)
        pays |= sense_on_delivered(&twins->stands, twins->now_ms, 1, is_echo);
    if (sense_flow_delivered(&twins->flows, messages, is_echo)) {
        twins->booked++;
        assert_false(pays);
    } else {
        assert_int_equal(sense_on_delivered(&twins->flows, twins->now_ms, messages, is_echo), pays);
    }
}

/* Something else that happens seldom, to both. */
static void twins_turn(struct twins *twins, struct sense_role *role)
{
    struct sense_device *both[] = { &twins->flows, &twins->stands };
    unsigned what = (unsigned)test_random_below(&twins->random, 8);

    twins_settle(twins);
    for (unsigned i = 0; i < 2; i++) {
        struct sense_standing standing;
        if (what == 0)
            sense_on_disconnect(both[i], twins->now_ms, false);
        else if (what == 1)
            sense_on_connect(both[i], twins->now_ms, 7, 60);
        else if (what == 2)
            sense_device_rest(both[i]);
        else if (what == 3)
            sense_device_expect(both[i], twins->now_ms);
        else
            (void)sense_device_look(role, both[i], twins->now_ms, &standing);
    }
}

static void the_short_way_has_the_same_outcome(void **state)
{
    (void)state;
    static const unsigned pauses_ms[] = { 0, 0, 0, 0, 1, 3, 40, 499, 500, 600, 3000, 60000 };
    struct twins twins = { .random = { 0x70f } };
    struct sense_role *role = malloc(sizeof(*role));

    assert_non_null(role);
    sense_role_init(role);
    for (unsigned i = 0; i < 400000; i++) {
        unsigned what = (unsigned)test_random_below(&twins.random, 200);
        if (what == 0)
            twins_turn(&twins, role);
        else if (what < 20)
            twins_deliver(&twins);
        else
            twins_publish(&twins);
        struct twins settled = twins;
        twins_settle(&settled);
        assert_memory_equal(&settled.flows, &twins.stands, sizeof(twins.stands));
        if (what % 16 == 0) {
            twins_settle(&twins);
            twins.now_ms += pauses_ms[test_random_below(&twins.random, MQTT_ARRAY_LEN(pauses_ms))];
        }
    }
    assert_true(twins.booked > 200000);
    assert_true(twins.added > 30000);
    free(role);
}

/* Also where what it counts with ends. */
static void the_short_way_ends_where_numbers_do(void **state)
{
    (void)state;
    struct twins twins = { .random = { 0x70f }, .now_ms = NOW };
    const struct sense_publish event = { .topic = 5, .bytes = 32000 };
    for (unsigned i = 0; i < 200000; i++) {
        bool pays = sense_on_publish(&twins.stands, NOW, &event);
        if (twins_take(&twins, &event))
            continue;
        assert_int_equal(sense_on_publish(&twins.flows, NOW, &event), pays);
    }
    twins_settle(&twins);
    assert_true(twins.added > 100000);
    assert_int_equal(twins.flows.window.bytes, UINT32_MAX);
    assert_int_equal(twins.flows.window.counts[SENSE_PUBLISHES], UINT16_MAX);
    for (unsigned i = 0; i < 70000; i++)
        twins_deliver(&twins);
    assert_memory_equal(&twins.flows, &twins.stands, sizeof(twins.flows));
}

static void a_third_address_that_is_the_first_proves_two_holders(void **state)
{
    (void)state;
    struct sense_device device = { 0 };

    assert_false(sense_on_address(&device, NOW, 1));
    assert_false(sense_on_address(&device, NOW, 1));
    assert_true(sense_on_address(&device, NOW, 2));
    assert_int_equal(device.window.counts[SENSE_TAKEOVERS], 1);
    assert_true(sense_on_address(&device, NOW, 1));
    assert_true(device.window.counts[SENSE_TAKEOVERS] > 20);
}

static void messages_of_one_report_are_no_rhythm(void **state)
{
    (void)state;
    struct sense_device device = { 0 };

    publish(&device, NOW, 1, 1);
    /* However long it is: it ends with the last of them. */
    for (unsigned i = 1; i <= 20; i++)
        publish(&device, NOW + 100 * i, 1, 1);
    assert_int_equal(device.window.intervals, 0);
    publish(&device, NOW + 4000, 1, 1);
    assert_int_equal(device.window.intervals, 1);
    assert_true(device.window.interval_least > 0.99f && device.window.interval_least < 1.01f);
    /* A connection is a new beginning. */
    sense_on_connect(&device, NOW + 9000, 1, 60);
    publish(&device, NOW + 9001, 1, 1);
    assert_int_equal(device.window.intervals, 1);
}

/* What a gap has held back may come at once; more than that may not. */
static void a_backlog_is_no_rhythm(void **state)
{
    (void)state;
    struct sense_device device = { .intervals = 100, .interval = { 3.32f, 0.1f } };
    uint64_t now = NOW;

    device.longest = device.shortest = (int16_t)(3.32f * SENSE_INTERVAL_UNITS);
    publish(&device, now, 1, 1);
    publish(&device, now += 40000, 1, 1);
    assert_true(device.owed >= 3);
    for (unsigned i = device.owed; i > 0; i--)
        publish(&device, now += 2000, 1, 1);
    assert_int_equal(device.window.intervals, 1);
    publish(&device, now += 2000, 1, 1);
    assert_int_equal(device.window.intervals, 2);
}

/* Who is told something may answer at once, and once. */
static void an_answer_is_no_rhythm(void **state)
{
    (void)state;
    struct sense_device device = {
        .intervals = 20, .interval = { 6, 0.01f }, .longest = 6 * 256, .shortest = 6 * 256
    };

    publish(&device, NOW, 1, 1);
    (void)sense_on_delivered(&device, NOW + 19000, 1, false);
    publish(&device, NOW + 20000, 1, 1);
    assert_int_equal(device.window.intervals, 0);
    publish(&device, NOW + 40000, 1, 1);
    assert_int_equal(device.window.intervals, 1);
}

static void values_that_jump_add_up(void **state)
{
    (void)state;
    struct sense_device device = { 0 };

    for (unsigned i = 0; i < 200; i++)
        publish(&device, NOW + i, 1, 20 + (i % 2 == 0 ? 0.1f : 0));
    assert_true(device.window.value <= 0);
    publish(&device, NOW + 300, 1, 15);
    publish(&device, NOW + 301, 1, 20);
    assert_true(device.values[0].sum < 2);
    for (unsigned i = 0; i < 3; i++)
        publish(&device, NOW + 302 + i, 1, 15);
    assert_true(device.window.value > 10);
}

/* After a time of which nothing is known the level is wherever it is found, also when the first number
 * is a freak. */
static void a_level_is_found_again(void **state)
{
    (void)state;
    struct sense_device device = { 0 };

    for (unsigned i = 0; i < 200; i++)
        publish(&device, NOW + i, 1, 20 + (i % 2 == 0 ? 0.1f : 0));
    sense_device_rest(&device);
    publish(&device, NOW + 1000, 1, 35);
    for (unsigned i = 1; i < 50; i++)
        publish(&device, NOW + 1000 + i, 1, 30);
    assert_true(device.window.value <= 4);
}

/* A line that was lost without a word and is back has left a gap that began with the last message. */
static void an_outage_is_an_interval(void **state)
{
    (void)state;
    struct sense_device device = {
        .intervals = 20, .interval = { 0, 0.01f }, .longest = 0, .shortest = 0
    };

    publish(&device, NOW, 1, 1);
    device.window.start_ms = 0;
    sense_device_keep(&device, NOW + 5000);
    sense_on_connect(&device, NOW + 8000, 7, 60);
    assert_int_equal(device.window.intervals, 1);
    assert_float_equal(device.window.interval_most, 3.0, 0.01);
    assert_int_equal(device.window.waited_s, 5);
    sense_on_disconnect(&device, NOW + 9000, false);
    sense_on_connect(&device, NOW + 90000, 7, 60);
    assert_int_equal(device.window.intervals, 1);
}

/* What a gap has held back is not more than usual, only later; what comes beyond that is. */
static void a_backlog_is_not_counted(void **state)
{
    (void)state;
    struct sense_device device = {
        .intervals = 20, .interval = { 3, 0.01f }, .longest = 3 * 256, .shortest = 3 * 256
    };

    publish(&device, NOW, 1, 1);
    for (unsigned i = 0; i < 10; i++)
        publish(&device, NOW + 64000 + i, i, 1);
    assert_int_equal(device.owed, 0);
    assert_int_equal(device.window.counts[SENSE_PUBLISHES], 3);
}

/* Who was at work when the gap began may hold back more than one who rests. */
static void a_backlog_of_work_is_not_counted(void **state)
{
    (void)state;
    struct sense_device device = { .intervals = 20,
                                   .interval = { 8, 2 },
                                   .longest = 10 * 256,
                                   .shortest = 3 * 256,
                                   .busiest = { 0.25f } };

    publish(&device, NOW, 1, 1);
    for (unsigned i = 0; i < 40; i++)
        publish(&device, NOW + 600000 + i, i, 1);
    assert_int_equal(device.owed, 0);
    assert_int_equal(device.window.counts[SENSE_PUBLISHES], 11);
}

static void filters_weigh_what_they_reach(void **state)
{
    (void)state;
    assert_int_equal(sense_filter_weight("a/b", 3), 0);
    assert_int_equal(sense_filter_weight("$share/x/#", 10), 8);
    assert_int_equal(sense_filter_weight("$share/x/a/#", 12), 4);
    assert_int_equal(sense_filter_weight("$share/#", 8), 0);
    assert_int_equal(sense_filter_weight("#", 1), 8);
    assert_int_equal(sense_filter_weight("a/#", 3), 4);
    assert_int_equal(sense_filter_weight("+/b", 3), 4);
    assert_int_equal(sense_filter_weight("a/b/c/d/#", 9), 1);
    assert_int_equal(sense_filter_weight(NULL, 0), 0);
}

static void resting_keeps_what_was_learned(void **state)
{
    (void)state;
    struct sense_device device = { .windows = 9, .rates = { { 3, 2 } } };

    device.evidence[0] = 100;
    publish(&device, NOW, 1, 1);
    sense_device_rest(&device);
    assert_int_equal(device.evidence[0], 0);
    assert_int_equal(device.window.start_ms, 0);
    assert_int_equal(device.windows, 9);
    assert_true(device.lately[0] >= 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_happens_is_counted),
        cmocka_unit_test(counts_stop_at_their_top),
        cmocka_unit_test(no_look_pays_at_the_top),
        cmocka_unit_test(what_is_delivered_pays_for_who_asked),
        cmocka_unit_test(a_size_is_known_by_its_octave),
        cmocka_unit_test(the_short_way_has_the_same_outcome),
        cmocka_unit_test(the_short_way_ends_where_numbers_do),
        cmocka_unit_test(a_third_address_that_is_the_first_proves_two_holders),
        cmocka_unit_test(messages_of_one_report_are_no_rhythm),
        cmocka_unit_test(a_backlog_is_no_rhythm),
        cmocka_unit_test(an_answer_is_no_rhythm),
        cmocka_unit_test(values_that_jump_add_up),
        cmocka_unit_test(a_level_is_found_again),
        cmocka_unit_test(an_outage_is_an_interval),
        cmocka_unit_test(a_backlog_is_not_counted),
        cmocka_unit_test(a_backlog_of_work_is_not_counted),
        cmocka_unit_test(filters_weigh_what_they_reach),
        cmocka_unit_test(resting_keeps_what_was_learned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
