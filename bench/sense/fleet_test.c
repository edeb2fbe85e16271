/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/attack.h"
#include "bench/sense/fleet_event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MINUTE_US INT64_C(60000000)
#define HOUR_US   INT64_C(3600000000)
#define MONDAY_US INT64_C(1767571200000000)
#define COLUMNS   13
#define VICTIMS   64

/* A trace in memory, and who is touched by what happened. */
struct trace {
    char *text;
    size_t len;
    char *truth;
    size_t truth_len;
    unsigned victims;
    char ids[VICTIMS][32];
};

/* One line of it. */
struct row {
    char *columns[COLUMNS];
    const char *whole; /* as it is in the trace, */
    size_t len;        /* with its end */
};

static struct fleet_plan some_plan(void)
{
    return (struct fleet_plan){ .seed = 7,
                                .start_us = MONDAY_US + 8 * HOUR_US,
                                .end_us = MONDAY_US + 8 * HOUR_US + 20 * MINUTE_US,
                                .first_persona = 1,
                                .last_persona = 10,
                                .each = 2 };
}

static void note(struct trace *trace, const struct fleet_device *device)
{
    if (device == NULL)
        return;
    assert_true(trace->victims < VICTIMS);
    memcpy(trace->ids[trace->victims++], device->id, sizeof device->id);
}

static struct trace trace_of(const struct fleet_plan *plan)
{
    struct trace trace = { .text = NULL };
    const char *complaint = NULL;
    struct fleet fleet;
    FILE *out = open_memstream(&trace.text, &trace.len);
    FILE *truth = open_memstream(&trace.truth, &trace.truth_len);

    assert_true(fleet_init(&fleet, plan, out, &complaint));
    fleet_run(&fleet);
    fleet_truth(&fleet, truth);
    for (unsigned i = 0; i < plan->attack_count; i++)
        for (uint32_t k = 0; k < fleet.attacks[i].count; k++)
            note(&trace, fleet.attacks[i].victims[k].device);
    for (unsigned i = 0; i < plan->event_count; i++)
        for (uint32_t k = 0; k < fleet.events[i].count; k++)
            note(&trace, fleet.events[i].devices[k]);
    fleet_fini(&fleet);
    assert_int_equal(fclose(out), 0);
    assert_int_equal(fclose(truth), 0);
    return trace;
}

static void trace_free(struct trace *trace)
{
    free(trace->text);
    free(trace->truth);
}

/* Cuts the line into columns; each has its NUL afterwards. */
static struct row row_of(char *line)
{
    struct row row;
    unsigned count = 0;

    for (char *at = line; at != NULL; at = strchr(at, ',')) {
        if (at != line)
            *at++ = '\0';
        assert_true(count < COLUMNS);
        row.columns[count++] = at;
    }
    assert_int_equal(count, COLUMNS);
    return row;
}

/* Calls it with each line but the head; the line is a copy. */
static void each_row(const struct trace *trace, void (*visit)(struct row *, void *), void *context)
{
    char *copy = strdup(trace->text);
    char *rest = NULL;

    assert_non_null(copy);
    (void)strtok_r(copy, "\n", &rest);
    for (char *line = strtok_r(NULL, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        const char *whole = trace->text + (line - copy);
        struct row row = row_of(line);

        row.whole = whole;
        row.len = strcspn(whole, "\n") + 1;
        visit(&row, context);
    }
    free(copy);
}

/* Whether the row is a victim's, or shows what a victim has published. */
static bool concerns(const struct row *row, const struct trace *victims)
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
    const struct trace *victims;
    FILE *out;
    unsigned attacks; /* rows with the label of attacks */
    double first_s;   /* of those */
    double last_s;
};

/* Lets through what is neither an attack's nor concerns a victim. */
static void sift(struct row *row, void *context)
{
    struct sieve *sieve = context;

    if (strcmp(row->columns[12], "1") == 0) {
        sieve->last_s = strtod(row->columns[0], NULL);
        sieve->first_s = sieve->attacks++ == 0 ? sieve->last_s : sieve->first_s;
    } else if (!concerns(row, sieve->victims))
        assert_int_equal(fwrite(row->whole, 1, row->len, sieve->out), row->len);
}

static char *rest_of(const struct trace *trace, const struct trace *victims, struct sieve *sieve)
{
    char *text = NULL;
    size_t len = 0;

    *sieve = (struct sieve){ victims, open_memstream(&text, &len), 0, 0, 0 };
    each_row(trace, sift, sieve);
    assert_int_equal(fclose(sieve->out), 0);
    return text;
}

static void test_the_same_seed_is_the_same_bytes(void **state)
{
    struct fleet_plan plan = some_plan();
    struct trace one = trace_of(&plan);
    struct trace two = trace_of(&plan);
    plan.seed++;
    struct trace other = trace_of(&plan);

    (void)state;
    assert_int_equal(one.len, two.len);
    assert_memory_equal(one.text, two.text, one.len);
    assert_true(one.len != other.len || memcmp(one.text, other.text, one.len) != 0);
    trace_free(&one);
    trace_free(&two);
    trace_free(&other);
}

static void must_rise(struct row *row, void *context)
{
    char *before = context;

    assert_true(strcmp(before, row->columns[0]) <= 0);
    (void)snprintf(before, 32, "%s", row->columns[0]);
}

/* All that there is at once: times have the same number of digits. */
static void test_rows_are_in_order_of_time(void **state)
{
    struct fleet_plan plan = some_plan();
    char before[32] = "0";

    (void)state;
    for (unsigned i = 0; i < attack_count(); i++) {
        struct fleet_spec *spec = &plan.attacks[plan.attack_count++];
        *spec = (struct fleet_spec){ .at_us = 5 * MINUTE_US, .for_us = 10 * MINUTE_US };
        (void)snprintf(spec->name, sizeof spec->name, "%s", attack_at(i)->id);
        (void)snprintf(spec->intensity, sizeof spec->intensity, "%s", attack_at(i)->intensity);
        spec->devices = 1;
    }
    for (unsigned i = 0; i < fleet_event_count(); i++) {
        struct fleet_spec *spec = &plan.events[plan.event_count++];
        *spec = (struct fleet_spec){ .at_us = (6 + i) * MINUTE_US, .devices = 1 };
        (void)snprintf(spec->name, sizeof spec->name, "%s", fleet_event_at(i)->name);
    }
    struct trace trace = trace_of(&plan);
    each_row(&trace, must_rise, before);
    trace_free(&trace);
}

struct census {
    double published[PERSONAS_MAX + 1];
};

static void count(struct row *row, void *context)
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
    struct fleet_plan plan = some_plan();
    struct census census = { .published = { 0 } };

    (void)state;
    plan.start_us = MONDAY_US;
    plan.end_us = MONDAY_US + 24 * HOUR_US;
    plan.last_persona = persona_count();
    struct trace trace = trace_of(&plan);
    each_row(&trace, count, &census);
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
    trace_free(&trace);
}

static void check_attack(const struct attack_kind *kind, const struct trace *clean)
{
    struct fleet_plan plan = some_plan();
    struct fleet_spec *spec = &plan.attacks[plan.attack_count++];
    struct sieve before;
    struct sieve after;

    *spec = (struct fleet_spec){ .at_us = 8 * MINUTE_US, .for_us = 6 * MINUTE_US };
    (void)snprintf(spec->name, sizeof spec->name, "%s", kind->id);
    (void)snprintf(spec->intensity, sizeof spec->intensity, "%s", kind->intensity);
    spec->persona = kind->aim == ATTACK_AT_BROKER ? 0 : persona_find("vibration");
    struct trace trace = trace_of(&plan);
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
    trace_free(&trace);
}

static void test_an_attack_changes_what_it_says_and_nothing_else(void **state)
{
    const struct fleet_plan plan = some_plan();
    struct trace clean = trace_of(&plan);

    (void)state;
    for (unsigned i = 0; i < attack_count(); i++)
        check_attack(attack_at(i), &clean);
    trace_free(&clean);
}

static void check_event(const struct fleet_event_kind *kind, const struct trace *clean)
{
    struct fleet_plan plan = some_plan();
    struct fleet_spec *spec = &plan.events[plan.event_count++];
    struct sieve sieve;

    *spec =
        (struct fleet_spec){ .at_us = 8 * MINUTE_US, .devices = 1, .persona = persona_find("plc") };
    (void)snprintf(spec->name, sizeof spec->name, "%s", kind->name);
    struct trace trace = trace_of(&plan);
    char *untouched = rest_of(clean, &trace, &sieve);
    char *left = rest_of(&trace, &trace, &sieve);
    assert_true(strcmp(untouched, left) == 0);
    assert_int_equal(sieve.attacks, 0);
    assert_int_equal(trace.victims, 1);
    assert_true(strcmp(trace.text, clean->text) != 0);
    assert_non_null(strstr(trace.truth, "\"verdict\":\"none\""));
    free(untouched);
    free(left);
    trace_free(&trace);
}

static void test_an_event_happens_to_its_devices_only(void **state)
{
    const struct fleet_plan plan = some_plan();
    struct trace clean = trace_of(&plan);

    (void)state;
    for (unsigned i = 0; i < fleet_event_count(); i++)
        check_event(fleet_event_at(i), &clean);
    trace_free(&clean);
}

static void test_a_trace_may_begin_later(void **state)
{
    struct fleet_plan plan = some_plan();
    struct trace whole = trace_of(&plan);

    (void)state;
    plan.from_us = plan.start_us + 8 * MINUTE_US;
    struct trace later = trace_of(&plan);
    assert_true(later.len > strlen(fleet_row_head) && later.len < whole.len);
    const size_t rest = later.len - strlen(fleet_row_head);
    assert_memory_equal(later.text + strlen(fleet_row_head), whole.text + whole.len - rest, rest);
    assert_true(strtod(later.text + strlen(fleet_row_head), NULL) >= (double)plan.from_us / 1e6);
    trace_free(&whole);
    trace_free(&later);
}

static void test_as_many_devices_as_were_asked_for(void **state)
{
    struct fleet_plan plan = some_plan();
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
                  { { .name = "" }, { .name = "R6", .intensity = "x2" }, 1, 9 } };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fleet_plan plan = some_plan();
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
