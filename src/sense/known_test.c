/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/known.h"

#include "sense/model.h"
#include "sense/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct sense_known known_of(const struct test_fleet *fleet,
                                   const struct sense_device *device, enum sense_feature feature)
{
    struct sense_known known;

    sense_known_of(&fleet->role, device, feature, &known);
    return known;
}

static void is_between(float value, float low, float high)
{
    if (!(value >= low && value <= high))
        fail_msg("%g is not between %g and %g", (double)value, (double)low, (double)high);
}

static void what_a_device_does_is_its_own(void **state)
{
    (void)state;
    struct test_fleet *fleet =
        test_fleet_new((struct test_habit){ .per_window = 2, .is_clock = true }, 400);
    const struct sense_device *device = &fleet->devices[0];
    struct sense_known known = known_of(fleet, device, SENSE_PUBLISHES);

    assert_true(known.has_own && known.has_role && known.has_range);
    is_between(known.own, 0.9f, 2.1f);
    is_between(known.of_role, 0.9f, 2.1f);
    is_between(known.weight, 0.4f, 1.0f);
    is_between(known.high, 1.5f, 20.0f);
    known = known_of(fleet, device, SENSE_SILENT);
    assert_true(known.has_own && known.has_range);
    is_between(known.own, 4.9f, 5.1f);
    is_between(known.low, 1.0f, known.own);
    known = known_of(fleet, device, SENSE_SIZE);
    is_between(known.own, 39.0f, 49.0f);
    known = known_of(fleet, device, SENSE_KEEPALIVE);
    assert_false(known.has_own || known.has_role || known.has_range);
    free(fleet);
}

/* What is expected of a device that nobody has seen is its role's. */
static void of_a_new_device_the_role_speaks(void **state)
{
    (void)state;
    struct test_fleet *fleet =
        test_fleet_new((struct test_habit){ .per_window = 2, .is_clock = true }, 400);
    struct sense_device nobody;

    memset(&nobody, 0, sizeof(nobody));
    struct sense_known known = known_of(fleet, &nobody, SENSE_PUBLISHES);
    assert_false(known.has_own);
    assert_true(known.has_role && known.has_range && known.high > known.of_role);
    is_between(known.weight, 0, 0);
    known = known_of(fleet, &nobody, SENSE_BYTES);
    assert_true(known.has_role && !known.has_own && !known.has_range);
    free(fleet);
}

static void of_a_new_role_nothing_is_known(void **state)
{
    (void)state;
    struct test_fleet *fleet = calloc(1, sizeof(*fleet));

    assert_non_null(fleet);
    sense_role_init(&fleet->role);
    for (unsigned i = 0; i < SENSE_FEATURES; i++) {
        struct sense_known known = known_of(fleet, &fleet->devices[0], (enum sense_feature)i);
        assert_false(known.has_own || known.has_role || known.has_range);
    }
    free(fleet);
}

/* A portrait shows how it stands; a keepsake does not. */
static void evidence_is_in_the_portrait(void **state)
{
    (void)state;
    struct test_fleet *fleet =
        test_fleet_new((struct test_habit){ .per_window = 2, .is_clock = true }, 200);
    struct sense_device *device = &fleet->devices[0];
    struct sense_device seen;
    struct sense_standing standing, then;

    for (unsigned i = 0; i < 300; i++)
        test_message(device, fleet->now_ms + i, 44);
    fleet->now_ms += SENSE_WINDOW_MS;
    assert_true(sense_device_look(&fleet->role, device, fleet->now_ms, &standing));
    assert_true(standing.evidence > SENSE_ALARM_BITS);
    sense_device_portray(device, &seen);
    sense_device_standing(&fleet->role, &seen, &then);
    is_between(then.evidence, standing.evidence - 0.1f, standing.evidence + 0.1f);
    is_between(then.observed[SENSE_PUBLISHES], 290, 310);
    sense_device_keepsake(device, &seen);
    sense_device_standing(&fleet->role, &seen, &then);
    is_between(then.evidence, 0, 0);
    free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_device_does_is_its_own),
        cmocka_unit_test(of_a_new_device_the_role_speaks),
        cmocka_unit_test(of_a_new_role_nothing_is_known),
        cmocka_unit_test(evidence_is_in_the_portrait),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
