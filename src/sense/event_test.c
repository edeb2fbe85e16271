/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/device.h"
#include "sense/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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
    (void)sense_on_delivered(&device, NOW + 3);
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
    (void)sense_on_delivered(&device, NOW + 19000);
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
