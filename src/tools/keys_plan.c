/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/keys_plan.h"

/* A seal by the machine is bettered by its TPM. */
static bool is_there(const struct key_facts *from, const struct keys_plan_wish *wish)
{
    bool is_best_seal = from->is_sealed_by_tpm || !wish->has_tpm;

    return from->protection == wish->to && (wish->to != KEY_PROTECTION_SEALED || is_best_seal);
}

/* What hardware takes from outside was outside: the copies of before stay good, and the broker
 * would not call such a key the hardware's. It makes its own. */
static bool can_go(const struct key_facts *from, const struct keys_plan_wish *wish)
{
    return wish->to == KEY_PROTECTION_SEALED && from->algorithm == KEY_P256;
}

enum keys_plan keys_plan_decide(const struct key_facts *from, const struct keys_plan_wish *wish)
{
    if (from->protection == KEY_PROTECTION_UNKNOWN || wish->to <= KEY_PROTECTION_PLAIN
        || from->protection > wish->to)
        return KEYS_PLAN_REFUSE;
    if (wish->new_key)
        return KEYS_PLAN_REPLACE;
    if (is_there(from, wish))
        return KEYS_PLAN_STAY;
    return can_go(from, wish) ? KEYS_PLAN_SEAL : KEYS_PLAN_REPLACE;
}
