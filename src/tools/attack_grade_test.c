/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_grade.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define ROWS 12

/* Three critical checks (weight 24), five serious ones (15), four minor ones (4). */
static const struct attack_check checks[ROWS] = {
    { .severity = ATTACK_CRITICAL }, { .severity = ATTACK_CRITICAL },
    { .severity = ATTACK_CRITICAL }, { .severity = ATTACK_SERIOUS },
    { .severity = ATTACK_SERIOUS },  { .severity = ATTACK_SERIOUS },
    { .severity = ATTACK_SERIOUS },  { .severity = ATTACK_SERIOUS },
    { .severity = ATTACK_MINOR },    { .severity = ATTACK_MINOR },
    { .severity = ATTACK_MINOR },    { .severity = ATTACK_MINOR },
};

/* One letter a check: s, o, u, - for skipped. */
static struct attack_grade grade(const char *verdicts)
{
    struct attack_finding findings[ROWS] = { 0 };
    struct attack_grade out;

    for (size_t i = 0; i < ROWS; i++) {
        if (verdicts[i] == 's')
            findings[i].verdict = ATTACK_SAFE;
        else if (verdicts[i] == 'o')
            findings[i].verdict = ATTACK_OPEN;
        else if (verdicts[i] == '-')
            findings[i].verdict = ATTACK_SKIPPED;
    }
    attack_grade_decide(checks, findings, ROWS, &out);
    return out;
}

static void follows_the_rule(void **state)
{
    static const struct {
        const char *verdicts;
        char letter;
        unsigned score, checked_percent;
    } rows[] = {
        { "ssssssssssss", 'A', 100, 100 },
        { "ssssssss---o", 'A', 97, 93 },  /* one minor door */
        { "sssssssssooo", 'A', 93, 100 }, /* several minor ones, by their score */
        { "ssso--------", 'B', 88, 62 },  /* by its score already */
        { "ssssssssssso", 'A', 97, 100 },
        { "sssossssssss", 'B', 93, 100 }, /* one serious: capped at B */
        { "sssoosssssss", 'C', 86, 100 }, /* two serious: capped at C */
        { "sssooooo----", 'C', 61, 90 },
        { "-ssooooo----", 'D', 51, 72 }, /* by the score */
        { "--sooooo----", 'F', 34, 53 },
        { "osssssssssss", 'D', 81, 100 }, /* one critical: capped at D */
        { "oossssssssss", 'F', 62, 100 }, /* two critical: F */
        { "usssssssssss", 'B', 100, 81 }, /* a critical check without an answer */
        { "-sssssssssss", 'A', 100, 81 }, /* one that was not tried does not count */
        { "sssussssssss", 'A', 100, 93 }, /* nor does a serious one without an answer */
        { "------------", '-', 0, 0 },
        { "uuuuuuuuuuuu", '-', 0, 0 },
        { "o-----------", 'F', 0, 18 },
    };
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct attack_grade found = grade(rows[i].verdicts);
        assert_int_equal(found.letter, rows[i].letter);
        assert_int_equal(found.score, rows[i].score);
        assert_int_equal(found.checked_percent, rows[i].checked_percent);
    }
}

static void counts_verdicts(void **state)
{
    struct attack_grade found = grade("ssoou---ssss");
    (void)state;
    assert_int_equal(found.counts[ATTACK_SAFE], 6);
    assert_int_equal(found.counts[ATTACK_OPEN], 2);
    assert_int_equal(found.counts[ATTACK_UNCLEAR], 1);
    assert_int_equal(found.counts[ATTACK_SKIPPED], 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(follows_the_rule),
        cmocka_unit_test(counts_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
