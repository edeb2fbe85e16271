/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry_view.h"

#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 200

static struct registry *open_with(const struct scratch *scratch, unsigned count)
{
    char path[SCRATCH_PATH_SIZE];
    struct registry *registry;
    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &registry, NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "d%u", i);
        struct registry_entry e = scratch_entry(name, i);
        assert_int_equal(registry_add(registry, &e, NULL), 0);
    }
    return registry;
}

static void it_knows_what_the_registry_knows(void **state)
{
    struct registry *registry = open_with(*state, MANY);
    struct registry_view *view;
    uint64_t version;
    assert_int_equal(registry_set_status(registry, "d7", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(registry_view_new(registry, &view, NULL), 0);
    assert_int_equal(registry_version(registry, &version), 0);
    assert_int_equal(registry_view_version(view), version);
    assert_int_equal(registry_view_count(view), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "d%u", i);
        struct registry_entry e = scratch_entry(name, i);
        const struct registry_view_entry *found = registry_view_find(view, span_of(name));
        assert_non_null(found);
        assert_string_equal(found->name, name);
        assert_string_equal(found->role, e.role);
        assert_string_equal(found->tenant, e.tenant);
        assert_string_equal(found->site, "");
        assert_int_equal(found->kind, e.kind);
        assert_int_equal(found->status, i == 7 ? REGISTRY_SUSPENDED : REGISTRY_ACTIVE);
        assert_memory_equal(found->key_sha256, e.key_sha256, REGISTRY_KEY_BYTES);
        assert_int_equal(found->not_after_s, e.certificate.not_after_s);
    }
    assert_null(registry_view_find(view, span_of("d200")));
    assert_null(registry_view_find(view, span_of("d")));
    assert_null(registry_view_find(view, span_of("")));
    registry_view_unref(view);
    registry_close(registry);
}

static void it_stays_as_it_is(void **state)
{
    struct registry *registry = open_with(*state, 1);
    struct registry_view *view;
    struct registry_view *newer;
    assert_int_equal(registry_view_new(registry, &view, NULL), 0);
    struct registry_entry e = scratch_entry("late", 9);
    assert_int_equal(registry_add(registry, &e, NULL), 0);
    uint64_t version;
    assert_int_equal(registry_version(registry, &version), 0);
    assert_int_not_equal(registry_view_version(view), version);
    assert_int_equal(registry_view_new(registry, &newer, NULL), 0);
    registry_close(registry);

    assert_null(registry_view_find(view, span_of("late")));
    assert_non_null(registry_view_find(newer, span_of("late")));
    assert_ptr_equal(registry_view_ref(view), view);
    registry_view_unref(view);
    assert_non_null(registry_view_find(view, span_of("d0"))); /* the other holder still has it */
    registry_view_unref(view);
    registry_view_unref(newer);
    registry_view_unref(NULL);
}

static void an_empty_registry_lets_nobody_in(void **state)
{
    struct registry *registry = open_with(*state, 0);
    struct registry_view *view;
    assert_int_equal(registry_view_new(registry, &view, NULL), 0);
    assert_int_equal(registry_view_count(view), 0);
    assert_null(registry_view_find(view, span_of("admin")));
    registry_view_unref(view);
    registry_close(registry);
}

/* The others go on: what changes for them counts. */
static void a_row_that_is_not_valid_is_revoked(void **state)
{
    static const char *const changes[] = {
        "UPDATE identity SET role = printf('%.*c', 65536, 'x') WHERE name = 'd0'",
        "UPDATE identity SET role = 'device', tenant = 'a' || char(0) WHERE name = 'd0'",
        "UPDATE identity SET tenant = '', name = printf('%.*c', 65, 'x') WHERE name = 'd1'",
    };
    struct registry *registry = open_with(*state, 3);
    char path[SCRATCH_PATH_SIZE];
    struct registry_view *view;
    sqlite3 *db;

    scratch_path(*state, "registry.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(changes); i++) {
        assert_int_equal(sqlite3_exec(db, changes[i], NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(registry_view_new(registry, &view, NULL), 0);
        const struct registry_view_entry *found = registry_view_find(view, span_of("d0"));
        assert_non_null(found);
        assert_int_equal(found->status, REGISTRY_REVOKED);
        assert_string_equal(found->role, "");
        assert_int_equal(registry_view_count(view), i < 2 ? 3 : 2);
        assert_int_equal(registry_view_find(view, span_of("d2"))->status, REGISTRY_ACTIVE);
        registry_view_unref(view);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    registry_close(registry);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_knows_what_the_registry_knows),
        TEST(it_stays_as_it_is),
        TEST(an_empty_registry_lets_nobody_in),
        TEST(a_row_that_is_not_valid_is_revoked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
