/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/rhythm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define REST_MS 600000u
#define WORK_MS 15000u

static void pauses_are_numbered_by_quarter_octaves(void **state)
{
    (void)state;
    assert_int_equal(sense_rhythm_pause(0), 0);
    assert_int_equal(sense_rhythm_pause(511), 0);
    assert_int_equal(sense_rhythm_pause(512), 1);
    assert_int_equal(sense_rhythm_pause(1024), 5);
    assert_int_equal(sense_rhythm_pause(UINT64_MAX), sense_rhythm_pause(INT32_MAX));
    assert_true(sense_rhythm_pause(UINT64_MAX) < SENSE_PAUSES);
    for (uint64_t ms = 512; ms < UINT64_C(1) << 30; ms += ms / 7) {
        uint8_t pause = sense_rhythm_pause(ms);
        assert_true(sense_rhythm_seconds(pause) <= (float)ms / 1000 * 1.0001f);
        assert_true(sense_rhythm_seconds((uint8_t)(pause + 1)) >= (float)ms / 1000 * 0.9999f);
    }
    assert_true(sense_rhythm_seconds(0) <= 0);
}

/* A device that works and rests, for so many reports of each. */
static struct sense_rhythm worked(unsigned reports)
{
    struct sense_rhythm rhythm;

    memset(&rhythm, 0, sizeof(rhythm));
    for (unsigned i = 0; i < reports; i++) {
        sense_rhythm_see(&rhythm, sense_rhythm_pause(REST_MS));
        sense_rhythm_see(&rhythm, sense_rhythm_pause(WORK_MS));
    }
    sense_rhythm_settle(&rhythm);
    return rhythm;
}

static void what_lies_between_rest_and_work_is_rare(void **state)
{
    (void)state;
    struct sense_rhythm rhythm = worked(500);

    assert_true(sense_rhythm_is_known(&rhythm));
    assert_true(sense_rhythm_surprise(&rhythm, sense_rhythm_pause(REST_MS)) < 2);
    assert_true(sense_rhythm_surprise(&rhythm, sense_rhythm_pause(WORK_MS)) < 2);
    assert_true(sense_rhythm_surprise(&rhythm, sense_rhythm_pause(WORK_MS * 6 / 5)) < 2);
    assert_true(sense_rhythm_surprise(&rhythm, sense_rhythm_pause(60000)) > 9);
    assert_true(sense_rhythm_surprise(&rhythm, sense_rhythm_pause(1000)) > 9);
    assert_true(sense_rhythm_surprise(&rhythm, SENSE_PAUSES - 1) > 9);
    assert_true(sense_rhythm_surprise(&rhythm, 0) <= 0);
}

static void a_few_pauses_say_nothing(void **state)
{
    (void)state;
    struct sense_rhythm rhythm = worked(20);

    assert_false(sense_rhythm_is_known(&rhythm));
    sense_rhythm_see(&rhythm, 0);
    assert_int_equal(rhythm.total, 40);
    rhythm.total = UINT32_MAX;
    sense_rhythm_see(&rhythm, 1);
    assert_int_equal(rhythm.total, UINT32_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pauses_are_numbered_by_quarter_octaves),
        cmocka_unit_test(what_lies_between_rest_and_work_is_rare),
        cmocka_unit_test(a_few_pauses_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
