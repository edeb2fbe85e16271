/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_print.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT 4

static struct attack_finding findings[COUNT];

static struct attack_outcome outcome_of(void)
{
    static const char *const said[COUNT] = { "sent # and got \"secret\" | <b>", "refused",
                                             "no answer", "it needs a topic" };
    struct attack_outcome outcome = { .broker = "localhost:8883",
                                      .address = "127.0.0.1",
                                      .rows = attack_check_rows,
                                      .findings = findings,
                                      .count = COUNT };

    for (size_t i = 0; i < COUNT; i++) {
        static const enum attack_verdict verdicts[COUNT] = { ATTACK_OPEN, ATTACK_SAFE,
                                                             ATTACK_UNCLEAR, ATTACK_SKIPPED };
        findings[i] = (struct attack_finding){ .verdict = verdicts[i] };
        attack_check_note(&findings[i], "%s", said[i]);
    }
    attack_grade_decide(outcome.rows, findings, COUNT, &outcome.grade);
    return outcome;
}

/* What a function prints; the caller frees it. */
static char *text_of(void (*print)(FILE *file, const struct attack_outcome *outcome))
{
    struct attack_outcome outcome = outcome_of();
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);

    assert_non_null(file);
    print(file, &outcome);
    assert_int_equal(fclose(file), 0);
    return text;
}

static void json_has_the_fixed_names(void **state)
{
    struct attack_outcome outcome = outcome_of();
    json_t *document = attack_print_json(&outcome);
    static const char *const verdicts[COUNT] = { "open", "safe", "unclear", "skipped" };
    (void)state;
    assert_non_null(document);
    assert_string_equal(json_string_value(json_object_get(document, "grade")), "F");
    json_t *checks = json_object_get(document, "checks");
    assert_int_equal(json_array_size(checks), COUNT);
    for (size_t i = 0; i < COUNT; i++) {
        json_t *check = json_array_get(checks, i);
        assert_string_equal(json_string_value(json_object_get(check, "id")),
                            attack_check_rows[i].id);
        assert_string_equal(json_string_value(json_object_get(check, "verdict")), verdicts[i]);
        assert_string_equal(json_string_value(json_object_get(check, "evidence")),
                            findings[i].evidence);
    }
    json_decref(document);
}

static void json_has_no_grade_where_nothing_was_judged(void **state)
{
    struct attack_outcome outcome = outcome_of();
    outcome.grade = (struct attack_grade){ .letter = '-' };
    json_t *document = attack_print_json(&outcome);
    (void)state;
    assert_true(json_is_null(json_object_get(document, "grade")));
    json_decref(document);
}

static void people_read_what_is_open_first(void **state)
{
    char *text = text_of(attack_print_people);
    const char *open = strstr(text, "open  connect-drip");
    const char *unclear = strstr(text, "unclear  silent-tls");
    const char *safe = strstr(text, "safe  silent-tcp");
    const char *skipped = strstr(text, "skipped  sys-leakage: it needs a topic");
    (void)state;
    assert_true(open != NULL && unclear > open && safe > unclear && skipped > safe);
    assert_non_null(strstr(text, "Grade F of what was checked"));
    assert_non_null(strstr(text, attack_check_rows[0].fix));
    free(text);
}

static void a_report_holds_no_markup_of_others(void **state)
{
    char *text = text_of(attack_print_report);
    (void)state;
    assert_non_null(strstr(text, "# Attack on localhost:8883"));
    assert_non_null(strstr(text, "### connect-drip: open"));
    assert_non_null(strstr(text, "sent \\# and got \"secret\" \\| \\<b\\>"));
    assert_null(strstr(text, "<b>"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_has_the_fixed_names),
        cmocka_unit_test(json_has_no_grade_where_nothing_was_judged),
        cmocka_unit_test(people_read_what_is_open_first),
        cmocka_unit_test(a_report_holds_no_markup_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
