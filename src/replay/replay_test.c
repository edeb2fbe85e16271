/* SPDX-License-Identifier: Apache-2.0 */
/* Traces that are made here, of a fleet of sensors, through the whole replay. */
#include "replay/replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SENSORS     6u
#define PERIOD_MS   10000u
#define HOURS       2u
#define HOUR_MS     3600000u
#define EVENTS_MOST 20000u
#define BEGIN_MS    UINT64_C(1700000000000)

static const char *const names[SENSORS] = { "s0", "s1", "s2", "s3", "s4", "s5" };
static const char *const addresses[SENSORS] = { "192.0.2.1", "192.0.2.2", "192.0.2.3",
                                                "192.0.2.4", "192.0.2.5", "192.0.2.6" };

struct told {
    unsigned devices;
    unsigned sources;
    unsigned groups;
    char device[FLEET_NAME_BYTES];
    enum sense_verdict verdict;
    uint64_t time_ms;
    size_t members;
};

static void tell(const struct replay *replay, const struct replay_alarm *alarm, void *context)
{
    struct told *told = context;

    assert_non_null(replay);
    told->devices += alarm->kind == REPLAY_DEVICE ? 1 : 0;
    told->sources += alarm->kind == REPLAY_SOURCE ? 1 : 0;
    told->groups += alarm->kind == REPLAY_GROUP ? 1 : 0;
    if (told->time_ms != 0)
        return;
    told->time_ms = alarm->time_ms;
    told->verdict = alarm->verdict;
    told->members = alarm->devices_count;
    if (alarm->device != NULL)
        (void)snprintf(told->device, sizeof(told->device), "%s", alarm->device->name);
}

static struct trace trace_new(void)
{
    struct trace trace = { .events = calloc(EVENTS_MOST, sizeof(struct replay_event)) };

    assert_non_null(trace.events);
    return trace;
}

static struct replay_event *add(struct trace *trace, uint64_t at_ms, unsigned sensor, uint8_t type)
{
    assert_true(trace->count < EVENTS_MOST);
    struct replay_event *event = &trace->events[trace->count++];
    *event = (struct replay_event){ .time_ms = BEGIN_MS + at_ms,
                                    .address = span_of(addresses[sensor]),
                                    .stream = span_of("1"),
                                    .client = span_of(names[sensor]),
                                    .type = type,
                                    .is_up = type != 2,
                                    .length = 40,
                                    .keepalive_s = 60 };
    return event;
}

/* `silent` falls silent after an hour, along with those below it; SENSORS: nobody. */
static void fill(struct trace *trace, unsigned silent, unsigned count)
{
    for (unsigned i = 0; i < SENSORS; i++) {
        (void)add(trace, i, i, 1);
        (void)add(trace, i + SENSORS, i, 2);
    }
    for (uint64_t at = 1000; at < HOURS * HOUR_MS; at += PERIOD_MS)
        for (unsigned i = 0; i < SENSORS; i++) {
            bool is_mute = at > HOUR_MS && i >= silent && i < silent + count;
            if (!is_mute)
                add(trace, at + 137 * i, i, 3)->topic = span_of(names[i]);
        }
}

static int by_time(const void *left, const void *right)
{
    const struct replay_event *a = left;
    const struct replay_event *b = right;

    return a->time_ms < b->time_ms ? -1 : a->time_ms > b->time_ms;
}

static struct told judge(struct trace *test)
{
    struct told told = { .devices = 0 };
    struct replay *replay = replay_new(tell, &told);
    struct trace train = trace_new();

    assert_non_null(replay);
    fill(&train, SENSORS, 0);
    for (int phase = SENSE_LEARN; phase < SENSE_WATCH; phase++) {
        replay_enter(replay, (enum sense_phase)phase);
        replay_run(replay, "train", &train);
    }
    assert_int_equal(told.devices + told.groups + told.sources, 0);
    replay_enter(replay, SENSE_WATCH);
    qsort(test->events, test->count, sizeof(test->events[0]), by_time);
    replay_run(replay, "test", test);
    replay_free(replay);
    trace_close(&train);
    trace_close(test);
    return told;
}

static void nothing_is_told_of_what_is_usual(void **state)
{
    (void)state;
    struct trace trace = trace_new();

    fill(&trace, SENSORS, 0);
    struct told told = judge(&trace);
    assert_int_equal(told.devices + told.groups + told.sources, 0);
}

static void one_that_falls_silent_is_attacked(void **state)
{
    (void)state;
    struct trace trace = trace_new();

    fill(&trace, 2, 1);
    struct told told = judge(&trace);
    assert_int_equal(told.devices, 1);
    assert_int_equal(told.groups, 0);
    assert_string_equal(told.device, "s2");
    assert_int_equal(told.verdict, SENSE_ATTACKED);
    assert_true(told.time_ms < BEGIN_MS + HOUR_MS + 6 * PERIOD_MS);
}

/* Four at once are one event with a list. */
static void many_that_fall_silent_are_one_event(void **state)
{
    (void)state;
    struct trace trace = trace_new();

    fill(&trace, 1, 4);
    struct told told = judge(&trace);
    assert_int_equal(told.groups, 1);
    assert_int_equal(told.devices, 0);
    assert_int_equal(told.members, 4);
}

/* Guessing with the name of s3 is held against the address that guesses, not against s3. */
static void nobody_pays_for_what_others_do_in_their_name(void **state)
{
    (void)state;
    struct trace trace = trace_new();

    fill(&trace, SENSORS, 0);
    for (unsigned i = 0; i < 100; i++) {
        struct replay_event *connect = add(&trace, HOUR_MS + 500 * i, 3, 1);
        connect->address = span_of("198.51.100.9");
        struct replay_event *refusal = add(&trace, HOUR_MS + 500 * i + 1, 3, 2);
        refusal->address = span_of("198.51.100.9");
        refusal->answer = 5;
    }
    struct told told = judge(&trace);
    assert_int_equal(told.sources, 1);
    assert_int_equal(told.devices + told.groups, 0);
    assert_true(told.time_ms < BEGIN_MS + HOUR_MS + 10000);
}

/* What a broker refuses is told of who tries. */
static void refused_filters_name_the_device(void **state)
{
    (void)state;
    struct trace trace = trace_new();

    fill(&trace, SENSORS, 0);
    for (unsigned i = 0; i < 10; i++) {
        struct replay_event *suback = add(&trace, HOUR_MS + 1000 * i, 4, 9);
        suback->is_up = false;
        suback->refused = 1;
    }
    struct told told = judge(&trace);
    assert_string_equal(told.device, "s4");
    assert_int_equal(told.verdict, SENSE_ATTACKING);
    assert_true(told.time_ms < BEGIN_MS + HOUR_MS + 10000);
}

static void a_flood_names_the_device(void **state)
{
    (void)state;
    struct trace trace = trace_new();

    fill(&trace, SENSORS, 0);
    for (unsigned i = 0; i < 300; i++)
        add(&trace, HOUR_MS + 100 * i, 5, 3)->topic = span_of("s5");
    struct told told = judge(&trace);
    assert_string_equal(told.device, "s5");
    assert_int_equal(told.verdict, SENSE_ATTACKING);
    assert_true(told.time_ms < BEGIN_MS + HOUR_MS + 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_told_of_what_is_usual),
        cmocka_unit_test(one_that_falls_silent_is_attacked),
        cmocka_unit_test(many_that_fall_silent_are_one_event),
        cmocka_unit_test(nobody_pays_for_what_others_do_in_their_name),
        cmocka_unit_test(a_flood_names_the_device),
        cmocka_unit_test(refused_filters_name_the_device),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
