/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/doctor_report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_worst_counts(void **state)
{
    static const struct {
        enum doctor_verdict found[3];
        enum doctor_verdict verdict;
        int exit;
    } rows[] = {
        { { DOCTOR_OK, DOCTOR_OK, DOCTOR_OK }, DOCTOR_OK, 0 },
        { { DOCTOR_OK, DOCTOR_WARN, DOCTOR_OK }, DOCTOR_WARN, 1 },
        { { DOCTOR_FAIL, DOCTOR_WARN, DOCTOR_OK }, DOCTOR_FAIL, 3 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct doctor_report *report = calloc(1, sizeof(*report));
        assert_non_null(report);
        assert_int_equal(doctor_report_verdict(report), DOCTOR_FAIL);
        for (size_t j = 0; j < 3; j++)
            doctor_report_add(report, "a.check", rows[i].found[j], "do", "seen %zu", j);
        assert_int_equal(doctor_report_verdict(report), rows[i].verdict);
        assert_int_equal(doctor_report_exit(report), rows[i].exit);
        free(report);
    }
}

static void evidence_is_for_terminals_and_advice_for_what_is_wrong(void **state)
{
    struct doctor_report *report = calloc(1, sizeof(*report));

    (void)state;
    assert_non_null(report);
    doctor_report_add(report, "a", DOCTOR_OK, "do", "a server said %s", "\033[2Jhello");
    doctor_report_add(report, "b", DOCTOR_WARN, "do", "%0*d", 2 * DOCTOR_REPORT_EVIDENCE, 1);
    assert_string_equal(report->all[0].evidence, "a server said ?[2Jhello");
    assert_null(report->all[0].advice);
    assert_int_equal(strlen(report->all[1].evidence), DOCTOR_REPORT_EVIDENCE - 1);
    assert_string_equal(report->all[1].advice, "do");
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_worst_counts),
        cmocka_unit_test(evidence_is_for_terminals_and_advice_for_what_is_wrong),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
