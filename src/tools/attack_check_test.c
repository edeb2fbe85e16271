/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void every_row_is_whole(void **state)
{
    (void)state;
    assert_true(attack_check_count() >= 20);
    for (size_t i = 0; i < attack_check_count(); i++) {
        const struct attack_check *row = &attack_check_rows[i];
        assert_int_equal(strspn(row->id, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(row->id));
        assert_ptr_equal(attack_check_find(row->id), row);
        assert_non_null(row->run);
        assert_true(strlen(row->title) > 0 && strlen(row->proves) > 0);
        assert_true(strlen(row->why) > 0 && strlen(row->fix) > 0);
        assert_true(row->severity == ATTACK_MINOR || row->severity == ATTACK_SERIOUS
                    || row->severity == ATTACK_CRITICAL);
    }
    assert_null(attack_check_find("connect"));
    assert_null(attack_check_find(""));
}

static void one_open_part_makes_all_open(void **state)
{
    static const struct {
        enum attack_verdict parts[3];
        enum attack_verdict all;
    } rows[] = {
        { { ATTACK_SAFE, ATTACK_SAFE, ATTACK_SAFE }, ATTACK_SAFE },
        { { ATTACK_SAFE, ATTACK_UNCLEAR, ATTACK_SAFE }, ATTACK_UNCLEAR },
        { { ATTACK_UNCLEAR, ATTACK_SAFE, ATTACK_SAFE }, ATTACK_UNCLEAR },
        { { ATTACK_OPEN, ATTACK_SAFE, ATTACK_UNCLEAR }, ATTACK_OPEN },
        { { ATTACK_UNCLEAR, ATTACK_SAFE, ATTACK_OPEN }, ATTACK_OPEN },
    };
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct attack_finding finding = { 0 };
        assert_int_equal(finding.verdict, ATTACK_UNCLEAR);
        for (size_t p = 0; p < 3; p++)
            attack_check_judge(&finding, rows[i].parts[p], "part %zu", p);
        assert_int_equal(finding.verdict, rows[i].all);
        assert_string_equal(finding.evidence, "part 0; part 1; part 2");
    }
}

static void evidence_is_printable_and_bounded(void **state)
{
    struct attack_finding finding = { 0 };
    (void)state;
    attack_check_note(&finding, "%s", "a\x1b[2Jb\nc\xff");
    assert_string_equal(finding.evidence, "a?[2Jb?c?");
    for (unsigned i = 0; i < 400; i++)
        attack_check_judge(&finding, ATTACK_SAFE, "%s", "much");
    assert_int_equal(strlen(finding.evidence), ATTACK_EVIDENCE_SIZE - 1);
    assert_int_equal(finding.parts, 400);
}

static void verdicts_have_fixed_names(void **state)
{
    (void)state;
    assert_string_equal(attack_check_verdict_name(ATTACK_SAFE), "safe");
    assert_string_equal(attack_check_verdict_name(ATTACK_OPEN), "open");
    assert_string_equal(attack_check_verdict_name(ATTACK_UNCLEAR), "unclear");
    assert_string_equal(attack_check_verdict_name(ATTACK_SKIPPED), "skipped");
    assert_string_equal(attack_check_severity_name(ATTACK_MINOR), "minor");
    assert_string_equal(attack_check_severity_name(ATTACK_SERIOUS), "serious");
    assert_string_equal(attack_check_severity_name(ATTACK_CRITICAL), "critical");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_whole),
        cmocka_unit_test(one_open_part_makes_all_open),
        cmocka_unit_test(evidence_is_printable_and_bounded),
        cmocka_unit_test(verdicts_have_fixed_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
