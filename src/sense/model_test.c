/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/model.h"

#include "sense/testing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static struct test_fleet *learned(void)
{
    return test_fleet_new((struct test_habit){ .per_window = 2, .is_clock = true }, 100);
}

static void what_was_learned_is_sound(void **state)
{
    (void)state;
    struct test_fleet *fleet = learned();
    struct sense_device kept;

    assert_true(sense_role_is_sound(&fleet->role));
    (void)test_run(fleet, 5);
    for (unsigned i = 0; i < FLEET_DEVICES; i++) {
        assert_true(sense_device_is_sound(&fleet->devices[i]));
        sense_device_keepsake(&fleet->devices[i], &kept);
        assert_true(sense_device_is_sound(&kept));
        assert_int_equal(kept.windows, fleet->devices[i].windows);
        assert_int_equal(kept.window.start_ms, 0);
        assert_int_equal(kept.published_ms, 0);
        assert_false(kept.present);
    }
    free(fleet);
}

/* A device that nothing is known of, too; not so a role, of which the trees are missing. */
static void nothing_is_sound(void **state)
{
    (void)state;
    struct sense_device device;
    struct sense_role *role = calloc(1, sizeof(*role));

    assert_non_null(role);
    memset(&device, 0, sizeof(device));
    assert_true(sense_device_is_sound(&device));
    assert_false(sense_role_is_sound(role));
    sense_role_init(role);
    assert_true(sense_role_is_sound(role));
    free(role);
}

static void what_no_learning_makes_is_refused(void **state)
{
    (void)state;
    struct test_fleet *fleet = learned();
    struct sense_role *role = &fleet->role;
    struct sense_device device = fleet->devices[0];
    float nan;

    memset(&nan, 0xff, sizeof(nan));
    device.rates[0].mean = nan;
    assert_false(sense_device_is_sound(&device));
    device = fleet->devices[0];
    device.interval.width = -1;
    assert_false(sense_device_is_sound(&device));
    device = fleet->devices[0];
    device.values[1].last = nan;
    assert_false(sense_device_is_sound(&device));
    role->trees.dimension[3][7] = 200;
    assert_false(sense_role_is_sound(role));
    sense_role_init(role);
    role->phase = (enum sense_phase)(SENSE_WATCH + 1);
    assert_false(sense_role_is_sound(role));
    sense_role_init(role);
    role->tails[0].bits[5] = nan;
    assert_false(sense_role_is_sound(role));
    sense_role_init(role);
    role->rhythm.bits[SENSE_PAUSES - 1] = nan;
    assert_false(sense_role_is_sound(role));
    sense_role_init(role);
    role->clumps[0] = -1;
    assert_false(sense_role_is_sound(role));
    sense_role_init(role);
    role->features = UINT32_MAX;
    assert_false(sense_role_is_sound(role));
    free(fleet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_learned_is_sound),
        cmocka_unit_test(nothing_is_sound),
        cmocka_unit_test(what_no_learning_makes_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
