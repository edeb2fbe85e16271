/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rulebook_members.h"

#include "config/rulebook.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 4

struct world {
    struct policy *policy;
    struct members members;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    world->policy = policy_new();
    members_init(&world->members);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;

    members_fini(&world->members);
    policy_unref(world->policy);
    free(world);
    return 0;
}

static struct role *add_role(struct world *world, const char *name)
{
    struct role *role = policy_add_role(world->policy, name, &(struct role_options){ .shared = 0 });

    assert_non_null(role);
    assert_int_equal(members_add_role(&world->members, name, role), 0);
    return role;
}

static void roles_are_found_by_name(void **state)
{
    struct world *world = *state;
    struct role *reader = add_role(world, "reader");

    assert_ptr_equal(members_find_role(&world->members, "reader"), reader);
    assert_null(members_find_role(&world->members, "read"));
    assert_null(members_find_role(&world->members, "readers"));
    assert_null(members_find_role(&world->members, ""));
}

/* What one device gets; `most` counts what is in the list before. */
struct gathering {
    struct members *members;
    const char *device;
    struct role *before;
    size_t most;
    bool is_all;
    size_t count;
    char names[256];
    unsigned visits;
};

static int gather(void *context, const char *device, const struct member_groups *groups)
{
    struct gathering *g = context;
    struct role *roles[MOST];
    size_t used = 0;

    g->visits++;
    if (strcmp(device, g->device) != 0)
        return 0;
    roles[0] = g->before;
    g->count = 1;
    g->is_all = members_roles(g->members, groups, roles, &g->count, g->most);
    for (size_t i = 0; i < g->count; i++)
        used +=
            (size_t)snprintf(g->names + used, sizeof(g->names) - used, "%s ", role_name(roles[i]));
    return 0;
}

static struct gathering roles_of(struct world *world, const char *device, struct role *own,
                                 size_t most)
{
    struct gathering g = { .members = &world->members, device, own, most, false, 0, "", 0 };

    assert_int_equal(members_each(&world->members, gather, &g), 0);
    return g;
}

static void groups_give_roles_once(void **state)
{
    struct world *world = *state;
    struct role *own = add_role(world, "own");
    struct role *a = add_role(world, "a");
    struct role *b = add_role(world, "b");

    assert_int_equal(members_group_has(&world->members, "hall", a), 0);
    assert_int_equal(members_group_has(&world->members, "hall", own), 0);
    assert_int_equal(members_group_has(&world->members, "attic", a), 0);
    assert_int_equal(members_group_has(&world->members, "attic", b), 0);
    assert_int_equal(members_join(&world->members, "hall", "lamp"), 0);
    assert_int_equal(members_join(&world->members, "attic", "lamp"), 0);
    assert_int_equal(members_join(&world->members, "empty", "lamp"), 0);
    assert_int_equal(members_join(&world->members, "hall", "door"), 0);
    assert_int_equal(members_note(&world->members, "alone"), 0);
    assert_int_equal(members_note(&world->members, "lamp"), 0);

    struct gathering g = roles_of(world, "lamp", own, MOST);
    assert_string_equal(g.names, "own a b ");
    assert_true(g.is_all);
    assert_int_equal(g.visits, 3);
    assert_string_equal(roles_of(world, "door", own, MOST).names, "own a ");
    assert_string_equal(roles_of(world, "alone", own, MOST).names, "own ");
}

static void what_is_granted_to_a_group(void **state)
{
    struct world *world = *state;
    struct role *own = add_role(world, "own");

    (void)add_role(world, RULEBOOK_GROUP "hall");
    (void)add_role(world, RULEBOOK_GROUP "attic");
    assert_int_equal(members_join(&world->members, "hall", "lamp"), 0);
    assert_string_equal(roles_of(world, "lamp", own, MOST).names, "own group:hall ");
}

/* One that is there already needs no room. */
static void it_says_when_they_do_not_fit(void **state)
{
    struct world *world = *state;
    struct role *own = add_role(world, "own");
    const char *names[] = { "a", "b", "c", "d" };

    assert_int_equal(members_join(&world->members, "hall", "lamp"), 0);
    for (size_t i = 0; i < MOST - 1; i++)
        assert_int_equal(members_group_has(&world->members, "hall", add_role(world, names[i])), 0);
    assert_int_equal(members_group_has(&world->members, "hall", own), 0);
    struct gathering g = roles_of(world, "lamp", own, MOST);
    assert_string_equal(g.names, "own a b c ");
    assert_true(g.is_all);
    g = roles_of(world, "lamp", own, MOST - 1);
    assert_string_equal(g.names, "own a b ");
    assert_false(g.is_all);
    assert_int_equal(members_group_has(&world->members, "hall", add_role(world, names[MOST - 1])),
                     0);
    g = roles_of(world, "lamp", own, MOST);
    assert_string_equal(g.names, "own a b c ");
    assert_false(g.is_all);
}

static int refuse(void *context, const char *device, const struct member_groups *groups)
{
    unsigned *visits = context;

    (void)device, (void)groups;
    return ++*visits == 2 ? -7 : 0;
}

static void a_visit_can_end_it(void **state)
{
    struct world *world = *state;
    unsigned visits = 0;

    for (unsigned i = 0; i < 5; i++) {
        char name[8];
        (void)snprintf(name, sizeof(name), "d%u", i);
        assert_int_equal(members_note(&world->members, name), 0);
    }
    assert_int_equal(members_each(&world->members, refuse, &visits), -7);
    assert_int_equal(visits, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(roles_are_found_by_name),    TEST(groups_give_roles_once),
        TEST(what_is_granted_to_a_group), TEST(it_says_when_they_do_not_fit),
        TEST(a_visit_can_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
