/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever the roles and whatever was done: what is learned allows all of it, and nothing that is
 * not allowed today. */
#include "policy/learn_testing.h"

#define WORLDS 300

static struct role *build(const struct learned_role *from, struct policy *policy)
{
    struct role *role = policy_add_role(policy, from->name, &from->options);
    const char *why = NULL;
    assert_non_null(role);
    for (size_t i = 0; i < from->grant_count; i++) {
        const struct learned_grant *grant = &from->grants[i];
        const struct policy_rule rule = { .action = grant->action,
                                          .grants = true,
                                          .pattern = grant->pattern,
                                          .terms = grant->terms.use,
                                          .expires_s = grant->terms.expires_s,
                                          .owner = grant->terms.owner,
                                          .reason = grant->terms.reason };
        assert_int_equal(role_add_rule(role, &rule, &why), 0);
    }
    for (size_t i = 0; i < from->denial_count; i++)
        assert_int_equal(role_add_rule(role, from->denials[i], &why), 0);
    for (size_t i = 0; i < from->scope_count; i++)
        assert_int_equal(role_add_scope(role, &from->scopes[i].scope, &why), 0);
    return role;
}

static void is_complete_and_no_wider(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= WORLDS; seed++) {
        struct world world = world_make(seed);
        struct learned *learned = world_learn(&world);
        struct policy *then = policy_new();
        struct role *roles[WORLD_ROLES];
        assert_non_null(then);
        assert_int_equal(learned_count(learned), WORLD_ROLES);
        for (size_t i = 0; i < WORLD_ROLES; i++)
            roles[i] = build(learned_at(learned, i), then);
        world_assign(&world, roles, then);
        world_check(&world, then);
        policy_unref(then);
        learned_free(learned);
        world_free(&world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_complete_and_no_wider),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
