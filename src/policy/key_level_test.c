/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/key_level.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void words(void **state)
{
    static const char *const worthless[] = { "",    "any",  "plain",        "unknown",
                                             "TPM", "tpm ", "attested-tpm", "sealed2" };

    (void)state;
    for (int key = POLICY_KEY_SEALED; key < POLICY_KEY_ATTESTED_TPM; key++)
        assert_int_equal(policy_key_of_word(policy_key_name((enum policy_key)key), false), key);
    for (int key = POLICY_KEY_SEALED; key < POLICY_KEY_TPM; key++)
        assert_int_equal(policy_key_of_word(policy_key_name((enum policy_key)key), true), key);
    assert_int_equal(policy_key_of_word("tpm", true), POLICY_KEY_ATTESTED_TPM);
    for (size_t i = 0; i < sizeof(worthless) / sizeof(worthless[0]); i++)
        assert_int_equal(policy_key_of_word(worthless[i], true), POLICY_KEY_ANY);
}

static void what_is_better_will_do(void **state)
{
    (void)state;
    for (int wanted = 0; wanted < POLICY_KEY_COUNT; wanted++)
        for (int has = 0; has < POLICY_KEY_COUNT; has++) {
            const char *why = policy_key_objection((enum policy_key)wanted, (enum policy_key)has);
            assert_int_equal(why == NULL, has >= wanted);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(what_is_better_will_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
