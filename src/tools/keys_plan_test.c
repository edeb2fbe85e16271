/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_plan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PLAIN  KEY_PROTECTION_PLAIN
#define SEALED KEY_PROTECTION_SEALED
#define TOKEN  KEY_PROTECTION_PKCS11
#define TPM    KEY_PROTECTION_TPM

static const struct {
    struct key_facts from;
    struct keys_plan_wish wish;
    enum keys_plan plan;
} rows[] = {
    { { .protection = PLAIN }, { .to = SEALED }, KEYS_PLAN_SEAL },
    { { .protection = PLAIN }, { .to = SEALED, .has_tpm = true }, KEYS_PLAN_SEAL },
    { { .protection = PLAIN, .algorithm = KEY_ED25519 }, { .to = SEALED }, KEYS_PLAN_REPLACE },
    { { .protection = PLAIN }, { .to = SEALED, .new_key = true }, KEYS_PLAN_REPLACE },
    { { .protection = PLAIN }, { .to = TOKEN }, KEYS_PLAN_REPLACE },
    { { .protection = PLAIN }, { .to = TPM }, KEYS_PLAN_REPLACE },
    { { .protection = PLAIN }, { .to = PLAIN }, KEYS_PLAN_REFUSE },
    { { .protection = SEALED }, { .to = SEALED }, KEYS_PLAN_STAY },
    { { .protection = SEALED }, { .to = SEALED, .has_tpm = true }, KEYS_PLAN_SEAL },
    { { .protection = SEALED, .is_sealed_by_tpm = true },
      { .to = SEALED, .has_tpm = true },
      KEYS_PLAN_STAY },
    { { .protection = SEALED }, { .to = TPM }, KEYS_PLAN_REPLACE },
    { { .protection = TOKEN }, { .to = TPM }, KEYS_PLAN_REPLACE },
    { { .protection = TOKEN }, { .to = TOKEN }, KEYS_PLAN_STAY },
    { { .protection = TOKEN }, { .to = TOKEN, .new_key = true }, KEYS_PLAN_REPLACE },
    { { .protection = TPM }, { .to = TPM }, KEYS_PLAN_STAY },
    { { .protection = TPM }, { .to = SEALED }, KEYS_PLAN_REFUSE },
    { { .protection = TPM }, { .to = TOKEN, .new_key = true }, KEYS_PLAN_REFUSE },
    { { .protection = KEY_PROTECTION_UNKNOWN }, { .to = TPM }, KEYS_PLAN_REFUSE },
};

static void plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(keys_plan_decide(&rows[i].from, &rows[i].wish), rows[i].plan);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(plans) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
