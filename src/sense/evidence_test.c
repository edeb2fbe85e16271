/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/evidence.h"

#include "sense/explain.h"
#include "sense/score.h"
#include "sense/testing.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HOUR 720u /* windows */

static const struct test_habit clockwork = { .per_window = 5, .is_clock = true };
static const struct test_habit busy = { .per_window = 5 };
static const struct test_habit rare = { .per_window = 0.1f };
static const struct test_habit bursty = { .per_window = 2, .burst = 8 };

/* One bound of false alarms for all of them: eight devices for half a day each are 4 device-days, in
 * which the bound allows 0.04. */
static void quiet_devices_are_left_alone(void **state)
{
    (void)state;
    const struct test_habit *const habits[] = { &clockwork, &busy, &rare, &bursty };

    for (unsigned i = 0; i < sizeof(habits) / sizeof(habits[0]); i++) {
        struct test_fleet *fleet = test_fleet_new(*habits[i], 2 * HOUR);
        assert_int_equal(test_run(fleet, 12 * HOUR), 0);
        free(fleet);
    }
}

/* A report in each second window: whether one without is news may not depend on the one before it. */
static void who_stands_at_a_bound_is_left_alone(void **state)
{
    (void)state;
    for (float rate = 0.49f; rate < 0.515f; rate += 0.005f) {
        const struct test_habit habit = { .per_window = rate, .is_clock = true };
        struct test_fleet *fleet = test_fleet_new(habit, 2 * HOUR);
        assert_int_equal(test_run(fleet, 48 * HOUR), 0);
        free(fleet);
    }
}

/* Before a role is watched there is nothing to tell: not in the middle of a window. */
static void a_role_that_learns_is_weighed_at_the_end_of_windows(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(busy, HOUR);
    struct sense_device *device = &fleet->devices[0];
    struct sense_standing standing = { .score = -1 };

    sense_role_enter(&fleet->role, SENSE_PROVE);
    for (unsigned i = 0; i < 1000; i++)
        test_message(device, fleet->now_ms, 44);
    assert_false(sense_device_look(&fleet->role, device, fleet->now_ms, &standing));
    assert_true(standing.score < 0);
    assert_true(
        sense_device_look(&fleet->role, device, fleet->now_ms + SENSE_WINDOW_MS, &standing));
    assert_true(standing.bits[SENSE_PUBLISHES] > SENSE_ALARM_BITS);
    free(fleet);
}

static struct sense_standing flood(struct test_fleet *fleet, struct sense_device *device,
                                   unsigned messages)
{
    struct sense_standing standing = { .evidence = 0 };

    for (unsigned i = 0; i < messages; i++)
        test_message(device, fleet->now_ms + i, 44);
    assert_true(sense_device_look(&fleet->role, device, fleet->now_ms + messages, &standing));
    return standing;
}

static void a_flood_is_seen_before_its_window_ends(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_standing standing = flood(fleet, &fleet->devices[0], 60);
    struct sense_reason reasons[SENSE_REASONS];
    char sentence[SENSE_SENTENCE_BYTES];

    assert_int_equal(sense_standing_verdict(&standing), SENSE_ATTACKING);
    unsigned count = sense_explain(&fleet->role, &fleet->devices[0], &standing, reasons);
    assert_true(count > 0);
    assert_int_equal(reasons[0].feature, SENSE_PUBLISHES);
    assert_true(reasons[0].observed >= 60 && reasons[0].high < 30);
    assert_int_equal(reasons[0].model, SENSE_OF_OWN);
    sense_explain_sentence(SENSE_ATTACKING, reasons, count, sentence);
    assert_non_null(strstr(sentence, "attacking"));
    assert_non_null(strstr(sentence, "published messages"));
    free(fleet);
}

static void twice_as_much_is_seen_in_half_a_minute(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);

    fleet->habit.per_window *= 2;
    assert_true(test_run(fleet, 6) > 0);
    free(fleet);
}

static void a_starved_device_is_attacked(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_device *device = &fleet->devices[0];
    struct sense_standing standing = { .evidence = 0 };
    enum sense_verdict verdict = SENSE_QUIET;

    for (unsigned i = 0; i < 25 && verdict == SENSE_QUIET; i++) {
        fleet->now_ms += 1000;
        if (sense_device_look(&fleet->role, device, fleet->now_ms, &standing))
            verdict = sense_standing_verdict(&standing);
    }
    assert_int_equal(verdict, SENSE_ATTACKED);
    free(fleet);
}

/* Each error ends the connection: that it comes back is its own doing. */
static void who_breaks_the_protocol_is_attacking(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_device *device = &fleet->devices[0];
    struct sense_standing standing = { .evidence = 0 };

    for (unsigned i = 0; i < 30 && standing.evidence < SENSE_ALARM_BITS; i++) {
        fleet->now_ms += 400;
        (void)sense_on_protocol_error(device, fleet->now_ms);
        sense_on_disconnect(device, fleet->now_ms, false);
        sense_on_connect(device, fleet->now_ms + 100, device->address, 60);
        (void)sense_device_look(&fleet->role, device, fleet->now_ms + 100, &standing);
    }
    assert_true(standing.evidence >= SENSE_ALARM_BITS);
    assert_int_equal(sense_standing_verdict(&standing), SENSE_ATTACKING);
    assert_true(standing.bits[SENSE_PROTOCOL_ERRORS] > 20 && standing.bits[SENSE_CONNECTS] <= 0);
    free(fleet);
}

/* Without a feature the score is less by exactly its bits. */
static void bits_add_up(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(busy, HOUR);
    struct sense_device *device = &fleet->devices[0];
    const struct sense_filter filter = { .filter = 99, .wildcards = 8, .is_reserved = true };

    (void)sense_on_subscribe(device, fleet->now_ms, &filter);
    (void)sense_on_protocol_error(device, fleet->now_ms);
    struct sense_standing all = flood(fleet, device, 300);
    float sum = 0;
    unsigned counted = 0;
    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        struct sense_standing without;
        fleet->role.features = SENSE_ALL_FEATURES & ~(UINT32_C(1) << i);
        assert_true(sense_device_look(&fleet->role, device, fleet->now_ms + 300, &without));
        assert_true(fabsf(all.score - without.score - all.bits[i]) < 1e-3f);
        sum += all.bits[i];
        counted += all.bits[i] > 0 ? 1 : 0;
    }
    assert_true(counted >= 4);
    assert_true(fabsf(sum - all.score) < 1e-2f);
    assert_true(fabsf(all.attacking + all.attacked - all.score) < 1e-2f);
    free(fleet);
}

/* A device that loses messages may lose one more than it ever did; a clock may not. */
static void a_gap_is_odd_for_a_clock(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_device *clock = &fleet->devices[0];
    struct sense_device lossy = *clock;
    struct sense_score of_clock;
    struct sense_score of_lossy;

    lossy.longest = (int16_t)((lossy.interval.middle + 2) * SENSE_INTERVAL_UNITS);
    fleet->now_ms = clock->published_ms + 5000;
    sense_score_window(&fleet->role, clock, fleet->now_ms, false, &of_clock);
    sense_score_window(&fleet->role, &lossy, fleet->now_ms, false, &of_lossy);
    assert_true(of_clock.oddness[SENSE_SILENT] > 2 * of_lossy.oddness[SENSE_SILENT]);
    free(fleet);
}

/* A device that reports every five minutes, as it has a hundred times. */
static struct sense_device five_minutes(uint64_t now_ms, float width)
{
    const float middle = sense_log2(300);

    return (struct sense_device){ .windows = HOUR,
                                  .intervals = 100,
                                  .interval = { middle, width },
                                  .longest = (int16_t)(middle * SENSE_INTERVAL_UNITS + 1),
                                  .shortest = (int16_t)(middle * SENSE_INTERVAL_UNITS - 1),
                                  .published_ms = now_ms,
                                  .present = true,
                                  .here = true };
}

/* The evidence of a silence that lasts so long. */
static float silence(struct test_fleet *fleet, unsigned seconds)
{
    struct sense_device device = five_minutes(fleet->now_ms, 0.001f);
    struct sense_standing standing = { .evidence = 0 };

    sense_device_keep(&device, fleet->now_ms);
    for (unsigned s = 1; s <= seconds; s++)
        (void)sense_device_look(&fleet->role, &device, fleet->now_ms + 1000ull * s, &standing);
    return standing.evidence;
}

/* However often it is looked at, one report that is missing is one. */
static void one_lost_report_is_no_alarm_and_three_are(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);

    fleet->role.features = UINT32_C(1) << SENSE_SILENT;
    fleet->role.reports = 5000;
    assert_true(silence(fleet, 599) < SENSE_ALARM_BITS);
    assert_true(silence(fleet, 1000) >= SENSE_ALARM_BITS);
    fleet->role.gaps[0] = fleet->role.reports / 50;
    assert_true(silence(fleet, 1000) < SENSE_ALARM_BITS);
    free(fleet);
}

/* What comes from outside, so seldom that it may not have come to this device yet, is no news; what
 * should have come long ago is. */
static void what_is_rare_in_the_role_is_no_news(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_role *role = &fleet->role;
    struct sense_standing standing;

    role->worst[SENSE_CONNECTS] = 200;
    for (unsigned i = 0; i < 60; i++)
        sense_on_connect(&fleet->devices[0], fleet->now_ms + i, 1, 60);
    role->episodes[SENSE_CONNECTS] = 1;
    assert_true(sense_device_look(role, &fleet->devices[0], fleet->now_ms + 60, &standing));
    assert_int_equal(sense_standing_verdict(&standing), SENSE_QUIET);
    role->episodes[SENSE_CONNECTS] = 1000;
    assert_true(sense_device_look(role, &fleet->devices[0], fleet->now_ms + 60, &standing));
    assert_int_equal(sense_standing_verdict(&standing), SENSE_ATTACKED);
    free(fleet);
}

/* Who is sent much is blamed when it has asked for more than it should, not for what others publish. */
static void who_is_sent_much_has_to_have_asked(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_device *device = &fleet->devices[0];
    const struct sense_filter filter = { .filter = 99, .wildcards = 1 };
    struct sense_standing standing;

    for (unsigned i = 0; i < 60; i++)
        (void)sense_on_delivered(device, fleet->now_ms + i, 1, false);
    assert_true(sense_device_look(&fleet->role, device, fleet->now_ms + 60, &standing));
    assert_true(standing.bits[SENSE_DELIVERED] <= 0);
    (void)sense_on_subscribe(device, fleet->now_ms + 61, &filter);
    assert_true(sense_device_look(&fleet->role, device, fleet->now_ms + 62, &standing));
    assert_true(standing.bits[SENSE_DELIVERED] > SENSE_ALARM_BITS);
    free(fleet);
}

/* A wildcard in a role that has none is an alarm by itself; not where too little was learned to say so, nor
 * where wildcards are usual. */
static void a_wildcard_where_there_are_none_is_told(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_role *role = &fleet->role;
    struct sense_device *device = &fleet->devices[0];
    const struct sense_filter filter = { .filter = 99, .wildcards = 1 };
    struct sense_standing standing;

    (void)sense_on_subscribe(device, fleet->now_ms + 1, &filter);
    (void)sense_device_look(role, device, fleet->now_ms + 1, &standing);
    assert_int_equal(sense_standing_verdict(&standing), SENSE_QUIET);
    role->windows = 20000;
    role->rates[SENSE_CONNECTS].all.mean = 1e-3f;
    (void)sense_device_look(role, device, fleet->now_ms + 1, &standing);
    assert_int_equal(sense_standing_verdict(&standing), SENSE_ATTACKING);
    role->rates[SENSE_WILDCARDS].all.mean = 1e-3f;
    (void)sense_device_look(role, device, fleet->now_ms + 1, &standing);
    assert_int_equal(sense_standing_verdict(&standing), SENSE_QUIET);
    free(fleet);
}

/* What comes regularly comes for longer than ever at some time: more is asked for than where it came twice. */
static void what_comes_regularly_may_last_longer(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_device *device = &fleet->devices[0];
    struct sense_standing standing;

    sense_device_keep(device, fleet->now_ms);
    device->worst[SENSE_EARLY] = 20;
    device->evidence[SENSE_EARLY] = 30 * 256;
    fleet->role.episodes[SENSE_EARLY] = 2;
    (void)sense_device_look(&fleet->role, device, fleet->now_ms + 1, &standing);
    assert_true(standing.bits[SENSE_EARLY] > 0);
    fleet->role.episodes[SENSE_EARLY] = 20;
    (void)sense_device_look(&fleet->role, device, fleet->now_ms + 1, &standing);
    assert_true(standing.bits[SENSE_EARLY] <= 0);
    free(fleet);
}

/* How long a silence has to last depends on the outages that the role has had. */
static void outages_that_were_learned_are_no_news(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);

    fleet->role.features = UINT32_C(1) << SENSE_SILENT;
    fleet->role.reports = 5000;
    assert_true(silence(fleet, 1500) >= SENSE_ALARM_BITS);
    for (unsigned i = 0; i < 6; i++)
        fleet->role.gaps[i] = 2;
    assert_true(silence(fleet, 1500) < SENSE_ALARM_BITS);
    free(fleet);
}

/* The evidence after three reports that come as early as each other. */
static float hurry(struct test_fleet *fleet, float width)
{
    struct sense_device device = five_minutes(fleet->now_ms, width);
    struct sense_standing standing = { .evidence = 0 };
    uint64_t at = fleet->now_ms;

    for (unsigned i = 0; i < 3; i++) {
        sense_device_keep(&device, at + 99000);
        test_message(&device, at + 100000, 44);
        (void)sense_device_look(&fleet->role, &device, at + 104000, &standing);
        device.window.start_ms = 0;
        at += 100000;
    }
    return device.evidence[SENSE_EARLY];
}

static void a_busy_hour_is_one_surprise(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    float once = hurry(fleet, 0.3f);

    assert_true(once > 0);
    assert_true(hurry(fleet, 0.001f) > 2 * once);
    free(fleet);
}

/* Two holders of one identity: by the second change of hands. */
static void a_clone_is_seen(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(busy, HOUR);
    struct sense_device *device = &fleet->devices[0];
    struct sense_standing standing;

    sense_on_connect(device, fleet->now_ms + 1, 11, 60);
    sense_on_connect(device, fleet->now_ms + 2, 22, 60);
    assert_true(sense_device_look(&fleet->role, device, fleet->now_ms + 3, &standing));
    assert_int_equal(sense_standing_verdict(&standing), SENSE_QUIET);
    sense_on_connect(device, fleet->now_ms + 4, 11, 60);
    sense_on_connect(device, fleet->now_ms + 5, 22, 60);
    assert_true(sense_device_look(&fleet->role, device, fleet->now_ms + 6, &standing));
    assert_int_equal(sense_standing_verdict(&standing), SENSE_ATTACKED);
    free(fleet);
}

/* What an attacker teaches is bounded: an hour of a flood moves the mean by less than a hundredth. */
static void a_flood_is_not_learned(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    float before = fleet->devices[0].rates[SENSE_PUBLISHES].mean;

    fleet->habit.per_window *= 3;
    (void)test_run(fleet, HOUR);
    assert_true(fleet->devices[0].rates[SENSE_PUBLISHES].mean < before * 1.01f);
    free(fleet);
}

/* Who lets his bytes grow a little each hour, to be believed, is seen all the same. */
static void a_ramp_is_seen(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_device *device = &fleet->devices[0];
    unsigned window = 0;

    for (; window < 24 * HOUR && !device->alarmed; window++) {
        float bytes = 44 * sense_exp2(0.3f * (float)window / HOUR);
        for (unsigned i = 0; i < 5; i++)
            test_message(device, fleet->now_ms + 1000 * i, (uint32_t)bytes);
        fleet->now_ms += SENSE_WINDOW_MS;
        struct sense_standing standing;
        if (sense_device_look(&fleet->role, device, fleet->now_ms, &standing))
            device->alarmed = sense_standing_verdict(&standing) == SENSE_ATTACKING;
    }
    assert_true(device->alarmed);
    assert_true(window < 6 * HOUR);
    free(fleet);
}

/* A device that nobody has seen before is covered by its role from the first message on. */
static void the_first_day_is_covered(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(busy, HOUR);
    struct sense_device device = { 0 };

    for (unsigned i = 0; i < 5; i++)
        test_message(&device, fleet->now_ms + 1000 * i, 44);
    struct sense_standing standing;
    assert_true(sense_device_look(&fleet->role, &device, fleet->now_ms + 5100, &standing));
    assert_int_equal(sense_standing_verdict(&standing), SENSE_QUIET);
    fleet->now_ms += 6000;
    standing = flood(fleet, &device, 500);
    assert_int_equal(sense_standing_verdict(&standing), SENSE_ATTACKING);
    free(fleet);
}

/* A role that has learned next to nothing says nothing. */
static void who_knows_nothing_says_nothing(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(busy, 10);

    fleet->habit.per_window *= 20;
    assert_int_equal(test_run(fleet, 20), 0);
    free(fleet);
}

/* Whatever comes, evidence is a number between its bounds. */
static void numbers_stay_numbers(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(busy, 100);
    struct test_random *random = &fleet->random;
    struct sense_device *device = &fleet->devices[0];
    struct sense_standing standing;

    for (unsigned i = 0; i < 20000; i++) {
        const struct sense_publish event = { .topic = (uint32_t)test_random_next(random) | 1,
                                             .bytes = (uint32_t)test_random_next(random),
                                             .has_value = i % 2 == 0,
                                             .value = i % 4 == 0 ? NAN : 3e38f };
        fleet->now_ms += test_random_below(random, 4) == 0 ? test_random_below(random, 100000) : 0;
        (void)sense_on_publish(device, fleet->now_ms, &event);
        sense_on_backlog(device, fleet->now_ms, (uint32_t)test_random_next(random));
        if (!sense_device_look(&fleet->role, device, fleet->now_ms, &standing))
            continue;
        assert_true(isfinite(standing.score) && standing.score >= 0);
        assert_true(isfinite(standing.evidence) && standing.evidence >= 0);
    }
    for (unsigned i = 0; i < SENSE_COUNTERS; i++)
        assert_true(isfinite(device->rates[i].mean) && isfinite(device->rates[i].variance));
    free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quiet_devices_are_left_alone),
        cmocka_unit_test(a_flood_is_seen_before_its_window_ends),
        cmocka_unit_test(a_role_that_learns_is_weighed_at_the_end_of_windows),
        cmocka_unit_test(twice_as_much_is_seen_in_half_a_minute),
        cmocka_unit_test(who_stands_at_a_bound_is_left_alone),
        cmocka_unit_test(a_starved_device_is_attacked),
        cmocka_unit_test(who_breaks_the_protocol_is_attacking),
        cmocka_unit_test(bits_add_up),
        cmocka_unit_test(a_gap_is_odd_for_a_clock),
        cmocka_unit_test(one_lost_report_is_no_alarm_and_three_are),
        cmocka_unit_test(what_is_rare_in_the_role_is_no_news),
        cmocka_unit_test(who_is_sent_much_has_to_have_asked),
        cmocka_unit_test(a_wildcard_where_there_are_none_is_told),
        cmocka_unit_test(outages_that_were_learned_are_no_news),
        cmocka_unit_test(what_comes_regularly_may_last_longer),
        cmocka_unit_test(a_busy_hour_is_one_surprise),
        cmocka_unit_test(a_clone_is_seen),
        cmocka_unit_test(a_flood_is_not_learned),
        cmocka_unit_test(a_ramp_is_seen),
        cmocka_unit_test(the_first_day_is_covered),
        cmocka_unit_test(who_knows_nothing_says_nothing),
        cmocka_unit_test(numbers_stay_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
