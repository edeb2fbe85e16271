/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_findings.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void add(struct policy_findings *findings, const char *file, unsigned line, unsigned column,
                enum lint_severity severity)
{
    const struct policy_finding like = {
        .origin = { file, line, column },
        .severity = severity,
        .word = "test",
        .role = "r",
    };
    policy_findings_add(findings, &like, "%s:%u", "number", (unsigned)findings->count);
}

static void they_are_sorted_by_place(void **state)
{
    (void)state;
    struct policy_findings findings = { 0 };
    policy_findings_sort(&findings);
    add(&findings, "b", 1, 1, LINT_NOTE);
    add(&findings, "a", 10, 1, LINT_WARNING);
    add(&findings, "a", 9, 20, LINT_WARNING);
    add(&findings, "a", 9, 3, LINT_ERROR);
    add(&findings, NULL, 0, 0, LINT_NOTE);
    add(&findings, "a", 9, 3, LINT_NOTE);
    policy_findings_sort(&findings);
    static const char *const expected[] = { "number:4", "number:3", "number:5",
                                            "number:2", "number:1", "number:0" };
    assert_int_equal(findings.count, 6);
    for (size_t i = 0; i < findings.count; i++)
        assert_string_equal(findings.all[i].text, expected[i]);
    assert_int_equal(policy_findings_count(&findings, LINT_ERROR), 1);
    assert_int_equal(policy_findings_count(&findings, LINT_WARNING), 2);
    assert_int_equal(policy_findings_count(&findings, LINT_NOTE), 3);
    policy_findings_fini(&findings);
    assert_int_equal(findings.count, 0);
}

static void programs_get_all_of_it(void **state)
{
    (void)state;
    struct policy_findings findings = { 0 };
    for (unsigned i = 0; i < 40; i++) /* beyond the first room */
        add(&findings, "tacit.conf", 12, 5, LINT_WARNING);
    json_t *array = policy_findings_json(&findings);
    assert_int_equal(json_array_size(array), 40);
    json_t *one = json_array_get(array, 39);
    assert_string_equal(json_string_value(json_object_get(one, "place")), "tacit.conf:12:5");
    assert_string_equal(json_string_value(json_object_get(one, "severity")), "warning");
    assert_string_equal(json_string_value(json_object_get(one, "kind")), "test");
    assert_string_equal(json_string_value(json_object_get(one, "role")), "r");
    assert_string_equal(json_string_value(json_object_get(one, "text")), "number:39");
    json_decref(array);
    policy_findings_fini(&findings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_are_sorted_by_place),
        cmocka_unit_test(programs_get_all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
