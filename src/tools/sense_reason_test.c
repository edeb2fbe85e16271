/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/sense_reason.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *const whole[] = {
    "publishes: 300 messages, usual 0 to 7, 35.0 bits, model role, for 40 s",
    "early: 0.01 s since the one before, usual 0.9 to 1.1, 12.5 bits, model own, for 0 s",
    "takeovers: 26 bits of take-overs, usual 0 to 1.5e-05, 26.0 bits, model rule, for 5 s",
};

static void numbers_and_words_are_found(void **state)
{
    (void)state;
    struct sense_told told;

    assert_true(sense_reason_take(whole[0], &told));
    assert_string_equal(told.feature, "publishes");
    assert_string_equal(told.unit, "messages");
    assert_string_equal(told.model, "role");
    assert_true(told.observed > 299 && told.observed < 301 && told.high > 6.9 && told.high < 7.1);
    assert_true(told.bits > 34.9 && told.bits < 35.1);
    assert_int_equal(told.for_s, 40);
    assert_true(sense_reason_take(whole[1], &told));
    assert_string_equal(told.unit, "s since the one before");
    assert_true(sense_reason_take(whole[2], &told));
    assert_string_equal(told.model, "rule");
}

/* Cut off anywhere it is none; an exactly sized block shows a read beyond it. */
static void a_part_is_none(void **state)
{
    (void)state;
    struct sense_told told = { .for_s = 7 };

    for (size_t i = 0; i < sizeof(whole) / sizeof(whole[0]); i++)
        for (size_t len = 0; len < strlen(whole[i]); len++) {
            char *part = strndup(whole[i], len);
            assert_non_null(part);
            assert_false(sense_reason_take(part, &told));
            free(part);
        }
    assert_false(sense_reason_take(
        "publishes: x messages, usual 0 to 7, 3 bits, model own, for 1 s", &told));
    assert_int_equal(told.for_s, 7);
}

static void it_is_a_sentence(void **state)
{
    (void)state;
    struct sense_told told;
    char sentence[SENSE_REASON_SENTENCE_BYTES];

    assert_true(sense_reason_take(whole[0], &told));
    sense_reason_sentence(&told, sentence);
    assert_string_equal(
        sentence, "It published messages: 300 messages, where 0 to 7 is usual, as the devices "
                  "of its role are; that has gone on for 40 s (35 bits)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_and_words_are_found),
        cmocka_unit_test(a_part_is_none),
        cmocka_unit_test(it_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
