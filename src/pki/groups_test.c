/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/groups.h"

#include "pki/registry_sql.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct registry *open_in(const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];
    struct registry *registry;

    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &registry, NULL), 0);
    return registry;
}

static struct registry *open_with_devices(const struct scratch *scratch)
{
    struct registry *registry = open_in(scratch);
    struct registry_entry lamp = scratch_entry("lamp", 1);
    struct registry_entry door = scratch_entry("door", 2);

    assert_int_equal(registry_add(registry, &lamp, NULL), 0);
    assert_int_equal(registry_add(registry, &door, NULL), 0);
    return registry;
}

static void run_sql(const struct scratch *scratch, const char *sql)
{
    char path[SCRATCH_PATH_SIZE];
    sqlite3 *db;
    char *why = NULL;

    scratch_path(scratch, "registry.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA ignore_check_constraints = 1", NULL, NULL, NULL),
                     SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

struct seen {
    char text[512];
    const char *stop_at;
};

static int note(void *context, const char *group, const char *name)
{
    struct seen *seen = context;
    size_t used = strlen(seen->text);

    (void)snprintf(seen->text + used, sizeof(seen->text) - used, "%s=%s ", group, name);
    return seen->stop_at != NULL && strcmp(name, seen->stop_at) == 0 ? 7 : 0;
}

static void assert_members(struct registry *registry, const char *expected)
{
    struct seen seen = { "", NULL };

    assert_int_equal(groups_members(registry, note, &seen, NULL), 0);
    assert_string_equal(seen.text, expected);
}

static void assert_roles(struct registry *registry, const char *expected)
{
    struct seen seen = { "", NULL };

    assert_int_equal(groups_roles(registry, note, &seen, NULL), 0);
    assert_string_equal(seen.text, expected);
}

static void joining_and_leaving(void **state)
{
    struct registry *registry = open_with_devices(*state);

    assert_int_equal(groups_join(registry, "hall", "lamp", NULL), 1);
    assert_int_equal(groups_join(registry, "hall", "lamp", NULL), 0);
    assert_int_equal(groups_join(registry, "hall", "door", NULL), 1);
    assert_int_equal(groups_join(registry, "attic", "lamp", NULL), 1);
    registry_close(registry);

    registry = open_in(*state); /* it is in the file */
    assert_members(registry, "attic=lamp hall=door hall=lamp ");
    assert_int_equal(groups_leave(registry, "hall", "lamp", NULL), 1);
    assert_int_equal(groups_leave(registry, "hall", "lamp", NULL), 0);
    assert_int_equal(groups_leave(registry, "cellar", "lamp", NULL), 0);
    assert_int_equal(groups_leave(registry, "hall", "nobody", NULL), 0);
    assert_members(registry, "attic=lamp hall=door ");
    registry_close(registry);
}

static void roles_of_groups(void **state)
{
    struct registry *registry = open_in(*state);

    assert_int_equal(groups_add_role(registry, "hall", "reader", NULL), 1);
    assert_int_equal(groups_add_role(registry, "hall", "reader", NULL), 0);
    assert_int_equal(groups_add_role(registry, "attic", "writer", NULL), 1);
    assert_roles(registry, "attic=writer hall=reader ");
    assert_int_equal(groups_remove_role(registry, "hall", "reader", NULL), 1);
    assert_int_equal(groups_remove_role(registry, "hall", "reader", NULL), 0);
    assert_roles(registry, "attic=writer ");
    registry_close(registry);
}

static void what_is_not_valid_is_refused(void **state)
{
    static const char *const names[] = { "", "a/b", "+", "#", "$SYS", ".", "a b", "%{site}", "\"" };
    struct registry *registry = open_with_devices(*state);
    struct pki_fault fault;
    char long_name[GROUPS_NAME_BYTES + 2] = "";

    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++) {
        assert_false(groups_name_is_valid(names[i]));
        assert_int_equal(groups_join(registry, names[i], "lamp", &fault), -EINVAL);
        assert_non_null(strstr(fault.text, "group"));
        assert_int_equal(groups_add_role(registry, names[i], "reader", NULL), -EINVAL);
        assert_int_equal(groups_add_role(registry, "hall", names[i], &fault), -EINVAL);
        assert_non_null(strstr(fault.text, "role"));
        assert_int_equal(groups_leave(registry, names[i], "lamp", NULL), -EINVAL);
        assert_int_equal(groups_remove_role(registry, names[i], "reader", NULL), -EINVAL);
    }
    memset(long_name, 'g', GROUPS_NAME_BYTES + 1);
    assert_int_equal(groups_join(registry, long_name, "lamp", NULL), -EINVAL);
    long_name[GROUPS_NAME_BYTES] = '\0';
    assert_true(groups_name_is_valid(long_name));
    assert_false(groups_name_is_valid(NULL));
    assert_int_equal(groups_join(registry, "hall", "nobody", &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "'nobody'"));
    assert_members(registry, "");
    assert_roles(registry, "");
    registry_close(registry);
}

static void the_list_can_be_ended(void **state)
{
    struct registry *registry = open_with_devices(*state);
    struct seen seen = { "", "door" };

    assert_int_equal(groups_join(registry, "hall", "lamp", NULL), 1);
    assert_int_equal(groups_join(registry, "hall", "door", NULL), 1);
    assert_int_equal(groups_members(registry, note, &seen, NULL), 7);
    assert_string_equal(seen.text, "hall=door ");
    registry_close(registry);
}

static void rows_of_other_tools(void **state)
{
    struct registry *registry = open_with_devices(*state);

    run_sql(*state, "INSERT INTO membership VALUES ('b', printf('%.*c', 65536, 'x')),"
                    " (printf('%.*c', 129, 'c'), 'lamp'), ('d' || char(0) || 'x', 'lamp'),"
                    " ('hall', 'lamp')");
    run_sql(*state, "INSERT INTO group_role VALUES ('b', 'r' || char(0)), ('hall', 'reader')");
    assert_members(registry, "= = = hall=lamp ");
    assert_roles(registry, "= hall=reader ");
    registry_close(registry);
}

static void anchors(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry *other = open_in(*state);
    struct pki_fault fault;
    int64_t first_s = 77;

    assert_int_equal(groups_find_anchor(registry, "a", &first_s, &fault), -ENOENT);
    assert_int_equal(first_s, 77);
    assert_non_null(strstr(fault.text, "'a'"));
    /* To look writes nothing. */
    assert_int_equal(groups_find_anchor(registry, "a", &first_s, NULL), -ENOENT);
    assert_int_equal(groups_anchor(registry, "a", 1000, &first_s, NULL), 0);
    assert_int_equal(first_s, 1000);
    assert_int_equal(groups_anchor(other, "a", 2000, &first_s, NULL), 0);
    assert_int_equal(first_s, 1000);
    assert_int_equal(groups_anchor(registry, "b", 3000, &first_s, NULL), 0);
    assert_int_equal(first_s, 3000);
    registry_close(other);
    registry_close(registry);

    registry = open_in(*state);
    assert_int_equal(groups_find_anchor(registry, "a", &first_s, NULL), 0);
    assert_int_equal(first_s, 1000);
    registry_close(registry);
}

static void a_busy_registry(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    sqlite3 *db;
    struct registry *registry = open_with_devices(*state);
    struct pki_fault fault;
    int64_t first_s = 77;

    assert_int_equal(groups_anchor(registry, "known", 1000, &first_s, NULL), 0);
    scratch_path(*state, "registry.db", path);
    assert_int_equal(sqlite3_busy_timeout(registry->db, 10), SQLITE_OK);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_members(registry, ""); /* reading goes on, also of what is known */
    assert_int_equal(groups_anchor(registry, "known", 2000, &first_s, NULL), 0);
    assert_int_equal(first_s, 1000);
    first_s = 77;
    assert_int_equal(groups_anchor(registry, "new", 1000, &first_s, &fault), -EBUSY);
    assert_int_equal(first_s, 77);
    assert_non_null(strstr(fault.text, "try again"));
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(groups_join(registry, "hall", "lamp", NULL), 1);
    registry_close(registry);
}

/* Whatever another tool changes, tacitd reads it; a device that is awaited moves it, too. */
static void a_change_moves_the_version(void **state)
{
    static const char *const changes[] = {
        "INSERT INTO membership VALUES ('hall', 'late')",
        "INSERT INTO group_role VALUES ('hall', 'reader')",
        "DELETE FROM group_role",
        "UPDATE identity SET site = 'north' WHERE name = 'lamp'",
        "INSERT INTO identity SELECT 'late', kind, role, tenant, site, status,"
        " replace(key_sha256, '0', 'f'), 'ff', replace(fingerprint, 'a', 'b'), 0, 0, 0, 0,"
        " 'unknown', '', ''"
        " FROM identity WHERE name = 'lamp'",
        "DELETE FROM membership",
        "DELETE FROM identity WHERE name = 'late'",
    };
    struct registry *registry = open_with_devices(*state);
    uint64_t before;
    uint64_t after;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(changes); i++) {
        assert_int_equal(registry_policy_version(registry, &before), 0);
        run_sql(*state, changes[i]);
        assert_int_equal(registry_policy_version(registry, &after), 0);
        if (after <= before)
            fail_msg("not noticed: %s", changes[i]);
    }
    registry_close(registry);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(joining_and_leaving),
        TEST(roles_of_groups),
        TEST(what_is_not_valid_is_refused),
        TEST(the_list_can_be_ended),
        TEST(rows_of_other_tools),
        TEST(anchors),
        TEST(a_busy_registry),
        TEST(a_change_moves_the_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
