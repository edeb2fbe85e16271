/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/learn.h"

#include "sense/score.h"
#include "sense/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define HOUR 720u

static const struct test_habit clockwork = { .per_window = 2, .is_clock = true };

static void run_to(struct test_fleet *fleet, struct sense_device *device, uint64_t to_ms)
{
    struct sense_standing standing;

    for (; fleet->now_ms < to_ms; fleet->now_ms += SENSE_WINDOW_MS)
        (void)sense_device_look(&fleet->role, device, fleet->now_ms, &standing);
}

/* A device whose second report comes soon after the first is not silent when the third does not. */
static void who_is_new_is_not_known_by_two_intervals(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_device *device = calloc(1, sizeof(*device));

    assert_non_null(device);
    fleet->role.features = UINT32_C(1) << SENSE_SILENT;
    test_message(device, fleet->now_ms, 44);
    run_to(fleet, device, fleet->now_ms + 40000);
    for (unsigned i = 0; i < 20; i++) {
        test_message(device, fleet->now_ms, 44);
        run_to(fleet, device, fleet->now_ms + 300000);
    }
    assert_true(device->intervals > SENSE_RHYTHM_AFTER);
    assert_true(sense_device_longest(device) > sense_log2(290));
    free(device);
    free(fleet);
}

/* Where work comes in clumps, a day without any is little evidence that there is none. */
static void work_that_comes_in_clumps_is_expected_of_all(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);
    struct sense_role *role = &fleet->role;
    struct sense_device device = fleet->devices[0];

    device.windows = 17280;
    device.rates[SENSE_PUBLISHES] = (struct sense_rate){ 0.01f, 0.01f };
    device.lately[SENSE_PUBLISHES] = 0.01f;
    role->rates[SENSE_PUBLISHES] = (struct sense_role_rate){ { 0.05f, 0.1f }, 1e-3f };
    role->clumps[SENSE_PUBLISHES] = 0.05f / (2 * SENSE_LATELY_WINDOWS);
    float alike = sense_score_expect(role, &device, SENSE_PUBLISHES).mean;
    role->clumps[SENSE_PUBLISHES] *= 200;
    float clumps = sense_score_expect(role, &device, SENSE_PUBLISHES).mean;
    assert_true(alike < 0.011f);
    assert_true(clumps > 0.02f && clumps < 0.05f);
    free(fleet);
}

static void half_hours_that_differ_are_learned(void **state)
{
    (void)state;
    struct test_fleet *even = test_fleet_new(clockwork, HOUR);
    struct test_fleet *uneven =
        test_fleet_new((struct test_habit){ .per_window = 0.1f, .burst = 60 }, HOUR);
    float chance = 1.0f / (2 * SENSE_LATELY_WINDOWS);

    assert_int_equal(even->role.shaped, HOUR * FLEET_DEVICES);
    assert_true(even->role.clumps[0] < 0.5f * chance * even->role.rates[0].all.mean);
    assert_true(uneven->role.clumps[0] > 2 * chance * uneven->role.rates[0].all.mean);
    free(even);
    free(uneven);
}

static void subscribe(struct test_fleet *fleet, struct sense_device *device, uint32_t filters)
{
    for (uint32_t i = 0; i < filters; i++) {
        const struct sense_filter filter = { .filter = 7000 + i * 7919 };
        (void)sense_on_subscribe(device, fleet->now_ms + 1, &filter);
    }
}

static float bits_of_filters(struct test_fleet *fleet, uint32_t windows, uint32_t filters)
{
    struct sense_device device;
    struct sense_standing standing;

    memset(&device, 0, sizeof(device));
    device.windows = windows;
    subscribe(fleet, &device, filters);
    (void)sense_device_look(&fleet->role, &device, fleet->now_ms + 2, &standing);
    return standing.bits[SENSE_NEW_FILTERS];
}

static void a_new_device_may_begin_as_others_did(void **state)
{
    (void)state;
    struct test_fleet *fleet = test_fleet_new(clockwork, HOUR);

    fleet->role.most[SENSE_NEW_FILTERS] = 4;
    assert_true(bits_of_filters(fleet, 0, 4) <= 0);
    assert_true(bits_of_filters(fleet, 0, 8) > 0);
    assert_true(bits_of_filters(fleet, SENSE_NEW_BELOW, 4) > 0);
    free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_new_is_not_known_by_two_intervals),
        cmocka_unit_test(work_that_comes_in_clumps_is_expected_of_all),
        cmocka_unit_test(half_hours_that_differ_are_learned),
        cmocka_unit_test(a_new_device_may_begin_as_others_did),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
