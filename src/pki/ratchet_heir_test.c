/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/ratchet_heir.h"

#include "pki/registry_life.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

struct place {
    struct ratchet_file *file;
    struct registry *registry;
};

/* A lamp that was called otherwise twice, and a wall that was not. */
static struct place place_make(void **state)
{
    struct place place = { .file = NULL };
    struct registry_entry wall = scratch_entry("wall", 2);
    const struct registry_entry lamp = scratch_entry("lamp", 1);
    char path[SCRATCH_PATH_SIZE];

    scratch_path(*state, "registry.db", path);
    assert_int_equal(registry_open(path, &place.registry, NULL), 0);
    assert_int_equal(registry_add(place.registry, &lamp, NULL), 0);
    assert_int_equal(registry_add(place.registry, &wall, NULL), 0);
    assert_int_equal(registry_rename(place.registry, "lamp", "torch", NULL), 0);
    assert_int_equal(registry_rename(place.registry, "torch", "light", NULL), 0);
    scratch_path(*state, "ratchet.db", path);
    assert_int_equal(ratchet_file_open(path, true, &place.file, NULL), 0);
    return place;
}

static void place_close(struct place *place)
{
    ratchet_file_close(place->file);
    registry_close(place->registry);
}

static void turn(struct place *place, const char *name, int64_t since_s)
{
    struct ratchet_file_entry entry = { .since_s = since_s };

    (void)snprintf(entry.name, sizeof(entry.name), "%s", name);
    assert_int_equal(ratchet_file_save(place->file, &entry, NULL), 0);
}

static void expect(struct place *place, const char *name, const char *kept_as)
{
    struct ratchet_file_entry found = { .since_s = 0 };
    int result = ratchet_heir_find(place->file, place->registry, name, &found, NULL);

    assert_int_equal(result, kept_as != NULL ? 0 : -ENOENT);
    assert_string_equal(found.name, kept_as != NULL ? kept_as : "");
}

static void it_is_found_under_the_names_before(void **state)
{
    struct place place = place_make(state);

    expect(&place, "light", NULL);
    turn(&place, "lamp", 5);
    expect(&place, "light", "lamp");
    expect(&place, "wall", NULL);
    turn(&place, "torch", 4);
    expect(&place, "light", "lamp");
    turn(&place, "torch", 6);
    expect(&place, "light", "torch");
    turn(&place, "light", 1);
    expect(&place, "light", "light");
    place_close(&place);
}

static void it_is_forgotten_under_all_of_them(void **state)
{
    struct place place = place_make(state);

    turn(&place, "wall", 1);
    assert_int_equal(ratchet_heir_forget(place.file, place.registry, "light", NULL), 0);
    turn(&place, "lamp", 1);
    turn(&place, "light", 2);
    assert_int_equal(ratchet_heir_forget(place.file, place.registry, "light", NULL), 1);
    expect(&place, "light", NULL);
    expect(&place, "wall", "wall");
    place_close(&place);
}

/* Of a name that is none, written by hand, nothing is made; who has it is not asked for either. */
static void what_is_no_name_is_nobodys(void **state)
{
    struct place place = place_make(state);
    char path[SCRATCH_PATH_SIZE];
    sqlite3 *db;

    scratch_path(*state, "registry.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE former_name SET name = printf('%.*c', 300, 'x')"
                                  " WHERE name = 'torch'",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    turn(&place, "lamp", 5);
    expect(&place, "light", "lamp");
    place_close(&place);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_found_under_the_names_before),
        TEST(it_is_forgotten_under_all_of_them),
        TEST(what_is_no_name_is_nobodys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
