/* SPDX-License-Identifier: Apache-2.0 */
/* That events and attacks are as big as they say. */
#include "bench/sense/fleet_testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What one kind of packet of one device comes to, in a part of the trace. */
struct tally {
    const char *id; /* NULL: of all devices */
    const char *type;
    const char *dir;
    double from_s; /* since the start */
    double to_s;
    unsigned rows;
    unsigned attacks; /* of those, rows with the label */
    double bytes;
};

static void add(struct fleet_fields *row, void *context)
{
    struct tally *tally = context;
    const double at_s = strtod(row->columns[0], NULL) - fleet_time_s(fleet_testing_plan().start_us);

    if (tally->id != NULL && strcmp(tally->id, row->columns[5]) != 0)
        return;
    if (strcmp(tally->type, row->columns[4]) != 0 || strcmp(tally->dir, row->columns[3]) != 0)
        return;
    if (at_s < tally->from_s || at_s >= tally->to_s)
        return;
    tally->rows++;
    tally->attacks += strcmp(row->columns[12], "1") == 0;
    tally->bytes += strtod(row->columns[7], NULL);
}

static struct tally tally_of(const struct fleet_trace *trace, struct tally what)
{
    fleet_testing_each_row(trace, add, &what);
    return what;
}

static struct fleet_trace trace_with(const char *event, const char *attack)
{
    struct fleet_plan plan = fleet_testing_plan();

    if (event != NULL)
        assert_true(fleet_spec_parse(event, &plan.events[plan.event_count++]));
    if (attack != NULL)
        assert_true(fleet_spec_parse(attack, &plan.attacks[plan.attack_count++]));
    return fleet_testing_trace(&plan);
}

static void must_be_about(double value, double expected)
{
    if (value < 0.8 * expected || value > 1.2 * expected)
        fail_msg("%g, where about %g is expected", value, expected);
}

static void test_after_a_restart_all_come_back(void **state)
{
    struct fleet_trace trace = trace_with("restart@10m+30s", NULL);

    (void)state;
    const struct tally before =
        tally_of(&trace, (struct tally){ NULL, "1", "up", 0, 120, 0, 0, 0 });
    const struct tally after =
        tally_of(&trace, (struct tally){ NULL, "1", "up", 600, 631, 0, 0, 0 });
    assert_true(before.rows >= 18);
    assert_true(after.rows >= 18);
    fleet_testing_free(&trace);
}

static void test_what_an_outage_keeps_back_comes_afterwards(void **state)
{
    struct fleet_trace trace = trace_with("outage@5m+5m:persona=gateway", NULL);
    const char *id = "gateway-0001";

    (void)state;
    assert_int_equal(tally_of(&trace, (struct tally){ id, "3", "up", 300, 600, 0, 0, 0 }).rows, 0);
    /* It keeps 100, and says some more by itself. */
    assert_true(tally_of(&trace, (struct tally){ id, "3", "up", 600, 640, 0, 0, 0 }).rows >= 100);
    assert_int_equal(tally_of(&trace, (struct tally){ id, "1", "up", 600, 640, 0, 0, 0 }).rows, 1);
    fleet_testing_free(&trace);
}

static void test_an_update_comes_in_pieces(void **state)
{
    struct fleet_trace trace = trace_with("firmware@5m+1m:persona=vibration", NULL);
    const char *id = "vibration-0001";

    (void)state;
    const struct tally pieces =
        tally_of(&trace, (struct tally){ id, "3", "down", 300, 400, 0, 0, 0 });
    assert_int_equal(pieces.rows, 60);
    assert_true(pieces.bytes > 60 * 4096);
    const struct tally old = tally_of(&trace, (struct tally){ id, "3", "up", 100, 300, 0, 0, 0 });
    const struct tally new = tally_of(&trace, (struct tally){ id, "3", "up", 500, 700, 0, 0, 0 });
    assert_true(new.bytes / new.rows > 1.04 * old.bytes / old.rows);
    fleet_testing_free(&trace);
}

static void test_an_alarm_is_ten_times_as_much(void **state)
{
    struct fleet_trace trace = trace_with("alarm@10m+5m:persona=vibration:devices=2", NULL);
    const char *id = "vibration-0002";

    (void)state;
    const struct tally before =
        tally_of(&trace, (struct tally){ id, "3", "up", 300, 600, 0, 0, 0 });
    const struct tally meanwhile =
        tally_of(&trace, (struct tally){ id, "3", "up", 600, 900, 0, 0, 0 });
    must_be_about(meanwhile.rows, 10.0 * before.rows);
    fleet_testing_free(&trace);
}

static void test_newcomers_are_new(void **state)
{
    struct fleet_trace trace = trace_with("newcomer@10m:persona=vibration:devices=2", NULL);

    (void)state;
    const struct tally before =
        tally_of(&trace, (struct tally){ "vibration-0004", "1", "up", 0, 600, 0, 0, 0 });
    const struct tally after =
        tally_of(&trace, (struct tally){ "vibration-0004", "1", "up", 600, 700, 0, 0, 0 });
    assert_int_equal(before.rows, 0);
    assert_int_equal(after.rows, 1);
    fleet_testing_free(&trace);
}

/* Rows of all vibration sensors for ten minutes, with an attack on both and without one. */
static void test_attacks_are_as_strong_as_they_say(void **state)
{
    static const struct {
        const char *attack;
        double rows;  /* times as many */
        double bytes; /* times as big */
    } cases[] = {
        { "R6:x2", 2, 1 },       { "R6:x10", 10, 1 },          { "R6:x100", 100, 1 },
        { "R12:+20%", 1, 1.14 }, { "R12:x2", 1, 1.7 },         { "R14:rhythm", 1 / 0.6, 1 },
        { "R15:0.6", 0.6, 1 },   { "R15:0.2", 0.2, 1 },        { "R14:insertion", 1.5, 1 },
        { "R16:split", 1.3, 1 }, { "R14:modification", 1, 1 }, { "R16:mimicry", 1, 1 },
    };
    struct fleet_trace clean = trace_with(NULL, NULL);
    const struct tally own =
        tally_of(&clean, (struct tally){ "vibration-0001", "3", "up", 300, 900, 0, 0, 0 });

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char attack[80];

        (void)snprintf(attack, sizeof attack, "%s@5m+10m:persona=vibration:devices=2",
                       cases[i].attack);
        struct fleet_trace trace = trace_with(NULL, attack);
        const struct tally now =
            tally_of(&trace, (struct tally){ "vibration-0001", "3", "up", 300, 900, 0, 0, 0 });
        must_be_about(now.rows, cases[i].rows * own.rows);
        must_be_about(now.bytes / now.rows, cases[i].bytes * own.bytes / own.rows);
        fleet_testing_free(&trace);
    }
    fleet_testing_free(&clean);
}

/* From addresses without a name: how many connects in a minute. */
static void test_strangers_are_as_many_as_they_say(void **state)
{
    static const struct {
        const char *attack;
        double connects;
    } cases[] = { { "R1:5/s@5m+1m", 300 },  { "R1:1/min@5m+10m", 10 }, { "R2:200@5m+1m", 200 },
                  { "R3:10/s@5m+1m", 600 }, { "R4:20@5m+5m", 20 },     { "R16:victim@5m+1m", 60 } };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fleet_trace trace = trace_with(NULL, cases[i].attack);
        const struct tally connects =
            tally_of(&trace, (struct tally){ NULL, "1", "up", 300, 900, 0, 0, 0 });

        must_be_about(connects.attacks, cases[i].connects);
        fleet_testing_free(&trace);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_after_a_restart_all_come_back),
        cmocka_unit_test(test_what_an_outage_keeps_back_comes_afterwards),
        cmocka_unit_test(test_an_update_comes_in_pieces),
        cmocka_unit_test(test_an_alarm_is_ten_times_as_much),
        cmocka_unit_test(test_newcomers_are_new),
        cmocka_unit_test(test_attacks_are_as_strong_as_they_say),
        cmocka_unit_test(test_strangers_are_as_many_as_they_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
