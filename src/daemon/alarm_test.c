/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/alarm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct connection_facts facts = { .listener = "mqtts", .address = "192.0.2.1:40000" };

struct world {
    struct log *log;
    struct alarm *alarm;
    struct canary_use taken[ALARM_WAITING];
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->log = log_new(CONFIG_LOG_JSON, CONFIG_LOG_ERROR);
    assert_non_null(world->log);
    world->alarm = alarm_new(world->log);
    assert_non_null(world->alarm);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    alarm_free(world->alarm);
    alarm_free(NULL);
    log_free(world->log);
    free(world);
    return 0;
}

static void raise_publish(struct world *world, const char *topic)
{
    alarm_raise(world->alarm, &(struct alarm_use){ .what = ALARM_PUBLISH,
                                                   .canary = "trap",
                                                   .facts = &facts,
                                                   .client_id = span_of("thief"),
                                                   .topic = span_of(topic),
                                                   .payload = span_of("12345") });
}

static void what_was_done_waits_for_the_keeper(void **state)
{
    struct world *world = *state;

    alarm_raise(world->alarm, &(struct alarm_use){ .what = ALARM_ENROLMENT,
                                                   .canary = "spare",
                                                   .address = "2001:db8::1",
                                                   .text = "the token was used already" });
    raise_publish(world, "a");
    raise_publish(world, "b");
    raise_publish(world, "a");
    assert_int_equal(alarm_count(world->alarm), 4);
    assert_int_equal(alarm_take(world->alarm, world->taken), 3);
    assert_string_equal(world->taken[0].name, "spare");
    assert_string_equal(world->taken[0].what, "enrolment");
    assert_string_equal(world->taken[0].address, "2001:db8::1");
    assert_string_equal(world->taken[1].address, "192.0.2.1"); /* ports differ each time */
    assert_string_equal(world->taken[1].client, "thief");
    assert_string_equal(world->taken[1].topic, "a");
    assert_int_equal(world->taken[1].count, 2);
    assert_int_equal(world->taken[1].bytes, 10);
    assert_true(world->taken[1].first_s > 0);
    assert_int_equal(alarm_take(world->alarm, world->taken), 0);
}

static void a_flood_has_its_bound(void **state)
{
    struct world *world = *state;
    char topic[16];

    for (unsigned i = 0; i < ALARM_WAITING + 10; i++) {
        (void)snprintf(topic, sizeof(topic), "t/%u", i);
        raise_publish(world, topic);
    }
    raise_publish(world, "t/0");
    assert_int_equal(alarm_count(world->alarm), ALARM_WAITING + 11);
    assert_int_equal(alarm_take(world->alarm, world->taken), ALARM_WAITING);
    assert_int_equal(world->taken[0].count, 2);
}

static void what_is_too_long_is_cut(void **state)
{
    static char topic[1000];
    struct world *world = *state;

    memset(topic, 'x', sizeof(topic) - 1);
    raise_publish(world, topic);
    assert_int_equal(alarm_take(world->alarm, world->taken), 1);
    assert_int_equal(strlen(world->taken[0].topic), CANARY_USE_TOPIC_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_was_done_waits_for_the_keeper, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_has_its_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_too_long_is_cut, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
