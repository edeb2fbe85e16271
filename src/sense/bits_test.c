/* SPDX-License-Identifier: Apache-2.0 */
#include "sense/bits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void test_logarithms_are_near(void **state)
{
    (void)state;
    for (float x = 1e-20f; x < 1e20f; x *= 1.7f)
        assert_true(fabsf(sense_log2(x) - log2f(x)) < 1e-4f * (1 + fabsf(log2f(x))));
    for (float bits = -100; bits < 100; bits += 0.37f)
        assert_true(fabsf(sense_exp2(bits) / exp2f(bits) - 1) < 1e-4f);
}

/* Sizes of messages up to the biggest that MQTT has: all small ones, and then where it changes. */
static void test_eighths_are_those_of_the_logarithm(void **state)
{
    (void)state;
    for (uint32_t value = 0; value < UINT32_C(1) << 28; value += 1 + value / 4096)
        assert_int_equal(sense_log2_eighths(value),
                         (uint8_t)(8.0f * sense_log2((float)value + 1.0f)));
    for (unsigned n = 9 * 8; n < 28 * 8; n++) {
        uint32_t least = (uint32_t)ceil(exp2(n / 8.0)) - 1;
        for (uint32_t value = least - 3; value < least + 3; value++)
            assert_int_equal(sense_log2_eighths(value),
                             (uint8_t)(8.0f * sense_log2((float)value + 1.0f)));
    }
}

static void test_nothing_is_no_number(void **state)
{
    (void)state;
    const float odd[] = { 0, -1, NAN, INFINITY, -INFINITY, 1e-45f, 3e38f };

    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        assert_true(isfinite(sense_log2(odd[i])));
        assert_true(isfinite(sense_exp2(odd[i])));
        assert_true(isfinite(sense_bits_of_chance(odd[i])));
        assert_true(isfinite(sense_clamp(odd[i], -1, 1)));
    }
    assert_true(sense_clamp(NAN, -1, 1) == -1);
}

static void test_adding_is_adding(void **state)
{
    (void)state;
    assert_true(fabsf(sense_bits_add(3, 3) - 4) < 1e-3f);
    assert_true(fabsf(sense_bits_add(0, 1) - log2f(3)) < 1e-3f);
    assert_true(fabsf(sense_bits_add(200, 0) - 200) < 1e-3f);
}

/* The mean of an e-value over chances that are even is 1: by the midpoints of 2^20 of them. */
static void test_chances_that_are_right_are_worth_nothing(void **state)
{
    (void)state;
    const unsigned parts = 1u << 20;
    double sum = 0;

    for (unsigned i = 0; i < parts; i++) {
        float chance = ((float)i + 0.5f) / (float)parts;
        sum += (double)sense_exp2(sense_bits_of_chance(-sense_log2(chance)));
    }
    /* What is left out below the first midpoint is worth 1 / ln(parts), about. */
    assert_true(sum / parts < 1.0);
    assert_true(sum / parts > 0.85);
}

static void test_more_surprise_is_more_evidence(void **state)
{
    (void)state;
    float before = sense_bits_of_chance(0);

    assert_true(before < 0);
    for (float s = 0.01f; s < 200; s += 0.01f) {
        float bits = sense_bits_of_chance(s);
        assert_true(bits >= before - 2e-3f);
        before = bits;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_logarithms_are_near),
        cmocka_unit_test(test_eighths_are_those_of_the_logarithm),
        cmocka_unit_test(test_nothing_is_no_number),
        cmocka_unit_test(test_adding_is_adding),
        cmocka_unit_test(test_chances_that_are_right_are_worth_nothing),
        cmocka_unit_test(test_more_surprise_is_more_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
