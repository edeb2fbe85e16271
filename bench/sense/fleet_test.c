/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack.h"
#include "bench/sense/fleet_event.h"
#include "bench/sense/fleet_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Whether the row is a victim's, or shows what a victim has published. */
static bool concerns(const struct fleet_fields *row, const struct fleet_trace *victims)
{
    for (unsigned i = 0; i < victims->victims; i++) {
        const char *id = victims->ids[i];
        const size_t persona = strlen(id) - strlen("-0001");
        const char *topic = row->columns[6];

        if (strcmp(row->columns[5], id) == 0)
            return true;
        if (strncmp(topic, "site/", 5) == 0 && strncmp(topic + 5, id, persona) == 0
            && strncmp(topic + 6 + persona, id + persona + 1, 4) == 0)
            return true;
    }
    return false;
}

struct sieve {
    const struct fleet_trace *victims;
    FILE *out;
    unsigned attacks; /* rows with the label of attacks */
    double first_s;   /* of those */
    double last_s;
};

/* Lets through what is neither an attack's nor concerns a victim. */
static void sift(struct fleet_fields *row, void *context)
{
    struct sieve *sieve = context;

    if (strcmp(row->columns[12], "1") == 0) {
        sieve->last_s = strtod(row->columns[0], NULL);
        sieve->first_s = sieve->attacks++ == 0 ? sieve->last_s : sieve->first_s;
    } else if (!concerns(row, sieve->victims))
        assert_int_equal(fwrite(row->whole, 1, row->len, sieve->out), row->len);
}

static char *rest_of(const struct fleet_trace *trace, const struct fleet_trace *victims,
                     struct sieve *sieve)
{
    char *text = NULL;
    size_t len = 0;

    *sieve = (struct sieve){ victims, open_memstream(&text, &len), 0, 0, 0 };
    fleet_testing_each_row(trace, sift, sieve);
    assert_int_equal(fclose(sieve->out), 0);
    return text;
}

static void test_the_same_seed_is_the_same_bytes(void **state)
{
    struct fleet_plan plan = fleet_testing_plan();
    struct fleet_trace one = fleet_testing_trace(&plan);
    struct fleet_trace two = fleet_testing_trace(&plan);
    plan.seed++;
    struct fleet_trace other = fleet_testing_trace(&plan);

    (void)state;
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.text, two.text, one.len);
    assert_true(one.len != other.len || memcmp(one.text, other.text, one.len) != 0);
    fleet_testing_free(&one);
    fleet_testing_free(&two);
    fleet_testing_free(&other);
}

static void must_rise(struct fleet_fields *row, void *context)
{
    char *before = context;

    assert_true(strcmp(before, row->columns[0]) <= 0);
    (void)snprintf(before, 32, "%s", row->columns[0]);
}

/* All that there is at once: times have the same number of digits. */
static void test_rows_are_in_order_of_time(void **state)
{
    struct fleet_plan plan = fleet_testing_plan();
    char before[32] = "0";

    (void)state;
    for (unsigned i = 0; i < attack_count(); i++) {
        struct fleet_spec *spec = &plan.attacks[plan.attack_count++];
        *spec = (struct fleet_spec){ .at_us = 5 * FLEET_MINUTE_US, .for_us = 10 * FLEET_MINUTE_US };
        (void)snprintf(spec->name, sizeof spec->name, "%s", attack_at(i)->id);
        (void)snprintf(spec->intensity, sizeof spec->intensity, "%s", attack_at(i)->intensity);
        spec->devices = 1;
    }
    for (unsigned i = 0; i < fleet_event_count(); i++) {
        struct fleet_spec *spec = &plan.events[plan.event_count++];
        *spec = (struct fleet_spec){ .at_us = (6 + i) * FLEET_MINUTE_US, .devices = 1 };
        (void)snprintf(spec->name, sizeof spec->name, "%s", fleet_event_at(i)->name);
    }
    struct fleet_trace trace = fleet_testing_trace(&plan);
    fleet_testing_each_row(&trace, must_rise, before);
    fleet_testing_free(&trace);
}

struct census {
    double published[PERSONAS_MAX + 1];
};

static void count(struct fleet_fields *row, void *context)
{
    struct census *census = context;
    char *dash = strrchr(row->columns[5], '-');

    *dash = '\0';
    if (strcmp(row->columns[3], "up") == 0 && strcmp(row->columns[4], "3") == 0)
        census->published[persona_find(row->columns[5])]++;
}

/* Those with a rhythm of their own keep it; activities come on top of it. */
static void test_each_persona_reports_as_often_as_it_says(void **state)
{
    struct fleet_plan plan = fleet_testing_plan();
    struct census census = { .published = { 0 } };

    (void)state;
    plan.start_us = FLEET_MONDAY_US;
    plan.end_us = FLEET_MONDAY_US + 24 * FLEET_HOUR_US;
    plan.last_persona = persona_count();
    struct fleet_trace trace = fleet_testing_trace(&plan);
    fleet_testing_each_row(&trace, count, &census);
    for (unsigned number = 1; number <= persona_count(); number++) {
        const struct persona_rhythm *rhythm = &persona_at(number)->rhythm;
        const double active_s = rhythm->activities_per_day * rhythm->activity_s;
        double expected = rhythm->idle_s > 0 ? (86400 - active_s) / rhythm->idle_s : 0;
        double tolerance = 0.12;

        if (rhythm->activities_per_day > 0) {
            expected +=
                active_s * 1.13 / (rhythm->active_s > 0 ? rhythm->active_s : rhythm->idle_s);
            tolerance = 0.7;
        }
        assert_true(census.published[number] > (1 - tolerance) * 2 * expected);
        assert_true(census.published[number] < (1 + tolerance) * 2 * expected + 8);
    }
    fleet_testing_free(&trace);
}

static void check_attack(const struct attack_kind *kind, const struct fleet_trace *clean)
{
    struct fleet_plan plan = fleet_testing_plan();
    struct fleet_spec *spec = &plan.attacks[plan.attack_count++];
    struct sieve before;
    struct sieve after;

    *spec = (struct fleet_spec){ .at_us = 8 * FLEET_MINUTE_US, .for_us = 6 * FLEET_MINUTE_US };
    (void)snprintf(spec->name, sizeof spec->name, "%s", kind->id);
    (void)snprintf(spec->intensity, sizeof spec->intensity, "%s", kind->intensity);
    spec->persona = kind->aim == ATTACK_AT_BROKER ? 0 : persona_find("vibration");
    struct fleet_trace trace = fleet_testing_trace(&plan);
    char *untouched = rest_of(clean, &trace, &before);
    char *left = rest_of(&trace, &trace, &after);
    assert_true(strcmp(untouched, left) == 0);
    assert_int_equal(before.attacks, 0);
    /* What is kept back is in no row. */
    assert_true(after.attacks > 0 || (kind->censor != NULL && trace.len < clean->len));
    if (after.attacks > 0) {
        assert_true(after.first_s >= (double)(plan.start_us + spec->at_us) / 1e6);
        assert_true(after.last_s <= (double)(plan.start_us + spec->at_us + spec->for_us) / 1e6 + 1);
    }
    assert_non_null(strstr(trace.truth, kind->intensity));
    free(untouched);
    free(left);
    fleet_testing_free(&trace);
}

static void test_an_attack_changes_what_it_says_and_nothing_else(void **state)
{
    const struct fleet_plan plan = fleet_testing_plan();
    struct fleet_trace clean = fleet_testing_trace(&plan);

    (void)state;
    for (unsigned i = 0; i < attack_count(); i++)
        check_attack(attack_at(i), &clean);
    fleet_testing_free(&clean);
}

static void check_event(const struct fleet_event_kind *kind, const struct fleet_trace *clean)
{
    struct fleet_plan plan = fleet_testing_plan();
    struct fleet_spec *spec = &plan.events[plan.event_count++];
    struct sieve sieve;

    *spec = (struct fleet_spec){ .at_us = 8 * FLEET_MINUTE_US,
                                 .devices = 1,
                                 .persona = persona_find("plc") };
    (void)snprintf(spec->name, sizeof spec->name, "%s", kind->name);
    struct fleet_trace trace = fleet_testing_trace(&plan);
    char *untouched = rest_of(clean, &trace, &sieve);
    char *left = rest_of(&trace, &trace, &sieve);
    assert_true(strcmp(untouched, left) == 0);
    assert_int_equal(sieve.attacks, 0);
    assert_int_equal(trace.victims, 1);
    assert_true(strcmp(trace.text, clean->text) != 0);
    assert_non_null(strstr(trace.truth, "\"verdict\":\"none\""));
    free(untouched);
    free(left);
    fleet_testing_free(&trace);
}

static void test_an_event_happens_to_its_devices_only(void **state)
{
    const struct fleet_plan plan = fleet_testing_plan();
    struct fleet_trace clean = fleet_testing_trace(&plan);

    (void)state;
    for (unsigned i = 0; i < fleet_event_count(); i++)
        check_event(fleet_event_at(i), &clean);
    fleet_testing_free(&clean);
}

static void test_a_trace_may_begin_later(void **state)
{
    struct fleet_plan plan = fleet_testing_plan();
    struct fleet_trace whole = fleet_testing_trace(&plan);

    (void)state;
    plan.from_us = plan.start_us + 8 * FLEET_MINUTE_US;
    struct fleet_trace later = fleet_testing_trace(&plan);
    assert_true(later.len > strlen(fleet_row_head) && later.len < whole.len);
    const size_t rest = later.len - strlen(fleet_row_head);
    assert_memory_equal(later.text + strlen(fleet_row_head), whole.text + whole.len - rest, rest);
    assert_true(strtod(later.text + strlen(fleet_row_head), NULL) >= (double)plan.from_us / 1e6);
    fleet_testing_free(&whole);
    fleet_testing_free(&later);
}

static void test_as_many_devices_as_were_asked_for(void **state)
{
    struct fleet_plan plan = fleet_testing_plan();
    const char *complaint = NULL;
    struct fleet fleet;

    (void)state;
    plan.each = 0;
    plan.devices = 997;
    assert_true(fleet_init(&fleet, &plan, stdout, &complaint));
    assert_int_equal(fleet.device_count, 997);
    fleet_fini(&fleet);
}

static void test_an_impossible_plan_is_refused(void **state)
{
    static const struct {
        struct fleet_spec event;
        struct fleet_spec attack;
        uint32_t each;
        unsigned only; /* persona; 0: as usual */
    } cases[] = { { { .name = "nonsense" }, { .name = "" }, 1, 0 },
                  { { .name = "restart", .intensity = "x" }, { .name = "" }, 1, 0 },
                  { { .name = "restart", .persona = 12 }, { .name = "" }, 1, 0 },
                  { { .name = "" }, { .name = "R6", .intensity = "x3" }, 1, 0 },
                  { { .name = "" }, { .name = "R6", .intensity = "x2", .persona = 12 }, 1, 0 },
                  { { .name = "" }, { .name = "" }, FLEET_DEVICES_MAX, 0 },
                  { { .name = "" }, { .name = "" }, 0, 0 },
                  { { .name = "" }, { .name = "R6", .intensity = "x2" }, 1, 9 },
                  { { .name = "restart", .at_us = FLEET_DAY_US }, { .name = "" }, 1, 0 } };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fleet_plan plan = fleet_testing_plan();
        const char *complaint = NULL;
        struct fleet fleet;

        plan.each = cases[i].each;
        if (cases[i].only > 0)
            plan.first_persona = plan.last_persona = cases[i].only;
        plan.event_count = cases[i].event.name[0] != '\0';
        plan.events[0] = cases[i].event;
        plan.attack_count = cases[i].attack.name[0] != '\0';
        plan.attacks[0] = cases[i].attack;
        assert_false(fleet_init(&fleet, &plan, stdout, &complaint));
        assert_non_null(complaint);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_is_the_same_bytes),
        cmocka_unit_test(test_rows_are_in_order_of_time),
        cmocka_unit_test(test_each_persona_reports_as_often_as_it_says),
        cmocka_unit_test(test_an_attack_changes_what_it_says_and_nothing_else),
        cmocka_unit_test(test_an_event_happens_to_its_devices_only),
        cmocka_unit_test(test_a_trace_may_begin_later),
        cmocka_unit_test(test_as_many_devices_as_were_asked_for),
        cmocka_unit_test(test_an_impossible_plan_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
