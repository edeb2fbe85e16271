/* SPDX-License-Identifier: Apache-2.0 */
#include "base/wipe.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static void erases_exactly_the_secret(void **state)
{
    (void)state;
    uint8_t secret[] = "xsecretx";
    wipe_bytes(secret + 1, 6);
    assert_memory_equal(secret, "x\0\0\0\0\0\0x", 8);
    wipe_bytes(NULL, 0);
}

static void compares_like_equality(void **state)
{
    (void)state;
    static const char *const texts[] = { "",   "a",      "b",      "ab",    "ba",
                                         "aa", "secret", "secreT", "Secret" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++) {
        for (size_t j = 0; j < MQTT_ARRAY_LEN(texts); j++)
            assert_int_equal(wipe_equal(span_of(texts[i]), span_of(texts[j])), i == j);
    }
}

static void every_bit_makes_a_difference(void **state)
{
    (void)state;
    uint8_t a[9] = { 0 };
    uint8_t b[9] = { 0 };
    for (size_t bit = 0; bit < 8 * sizeof(a); bit++) {
        b[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(wipe_equal((struct mqtt_span){ a, 9 }, (struct mqtt_span){ b, 9 }));
        b[bit / 8] = 0;
    }
    assert_true(wipe_equal((struct mqtt_span){ a, 9 }, (struct mqtt_span){ b, 9 }));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(erases_exactly_the_secret),
        cmocka_unit_test(compares_like_equality),
        cmocka_unit_test(every_bit_makes_a_difference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
