/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/key_lineage.h"

#include "pki/registry_life.h"
#include "pki/registry_sql.h"
#include "pki/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 5

/* A lamp, and requests for certificates of several keys. */
struct bench {
    struct registry *registry;
    struct csr *csrs[KEYS];
    uint8_t keys[KEYS][KEY_SHA256_BYTES];
};

static struct bench set_up(const struct scratch *scratch)
{
    struct bench b;
    struct key *key;
    struct registry_entry entry = scratch_entry("lamp", 1);
    char path[SCRATCH_PATH_SIZE];

    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &b.registry, NULL), 0);
    for (size_t i = 0; i < KEYS; i++) {
        assert_int_equal(key_generate(&key, NULL), 0);
        assert_int_equal(csr_new(key, "lamp", &b.csrs[i], NULL), 0);
        assert_int_equal(csr_key_sha256(b.csrs[i], b.keys[i]), 0);
        key_free(key);
    }
    memcpy(entry.key_sha256, b.keys[0], sizeof(entry.key_sha256));
    assert_int_equal(registry_add(b.registry, &entry, NULL), 0);
    return b;
}

static void tear_down(struct bench *b)
{
    for (size_t i = 0; i < KEYS; i++)
        csr_free(b->csrs[i]);
    registry_close(b->registry);
}

/* Its key becomes that one, however it came by it. */
static void give(struct bench *b, size_t which)
{
    struct registry_entry like = scratch_entry("lamp", 10 + (unsigned)which);
    struct registry_new_key key = { .certificate = like.certificate };

    memcpy(key.key_sha256, b->keys[which], sizeof(key.key_sha256));
    assert_int_equal(registry_rekey(b->registry, "lamp", &key, NULL), 0);
}

static void renew(struct bench *b, size_t which, size_t former)
{
    assert_int_equal(key_lineage_record(b->registry, b->csrs[which], b->keys[former], NULL), 0);
    give(b, which);
}

static enum key_lineage found(struct bench *b, const char *name, size_t which, size_t former)
{
    enum key_lineage lineage = KEY_LINEAGE_NONE;

    assert_int_equal(
        key_lineage_find(b->registry, name, b->keys[which], b->keys[former], &lineage, NULL), 0);
    return lineage;
}

static void what_a_key_is_depends_on_who_asked_for_it(void **state)
{
    struct bench b = set_up(*state);

    assert_int_equal(found(&b, "lamp", 0, 1), KEY_LINEAGE_GIVEN);
    assert_int_equal(found(&b, "lamp", 1, 0), KEY_LINEAGE_NONE);
    assert_int_equal(found(&b, "wall", 0, 1), KEY_LINEAGE_NONE);
    renew(&b, 1, 0);
    renew(&b, 2, 1);
    assert_int_equal(found(&b, "lamp", 2, 1), KEY_LINEAGE_RENEWED);
    assert_int_equal(found(&b, "lamp", 2, 0), KEY_LINEAGE_RENEWED);
    assert_int_equal(found(&b, "lamp", 1, 0), KEY_LINEAGE_NONE);
    /* Somebody in charge has let another one in, which then asks for the next itself. */
    give(&b, 3);
    assert_int_equal(found(&b, "lamp", 3, 2), KEY_LINEAGE_GIVEN);
    renew(&b, 4, 3);
    assert_int_equal(found(&b, "lamp", 4, 3), KEY_LINEAGE_RENEWED);
    assert_int_equal(found(&b, "lamp", 4, 2), KEY_LINEAGE_GIVEN);
    tear_down(&b);
}

static void of_who_is_not_active_there_is_no_key(void **state)
{
    struct bench b = set_up(*state);

    assert_int_equal(registry_set_status(b.registry, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(found(&b, "lamp", 0, 1), KEY_LINEAGE_NONE);
    tear_down(&b);
}

/* The same key again is no renewal; what somebody wrote by hand may be a circle. */
static void a_circle_ends(void **state)
{
    struct bench b = set_up(*state);

    assert_int_equal(key_lineage_record(b.registry, b.csrs[0], b.keys[0], NULL), 0);
    assert_int_equal(found(&b, "lamp", 0, 1), KEY_LINEAGE_GIVEN);
    assert_int_equal(key_lineage_record(b.registry, b.csrs[0], b.keys[1], NULL), 0);
    assert_int_equal(key_lineage_record(b.registry, b.csrs[1], b.keys[0], NULL), 0);
    assert_int_equal(found(&b, "lamp", 0, 1), KEY_LINEAGE_RENEWED);
    assert_int_equal(found(&b, "lamp", 0, 2), KEY_LINEAGE_GIVEN);
    tear_down(&b);
}

/* Who asks for one key after the other makes nobody wait, and is not believed for it. */
static void a_line_has_a_bound(void **state)
{
    struct bench b = set_up(*state);
    sqlite3_stmt *s;

    assert_int_equal(
        registry_prepare(b.registry,
                         "INSERT INTO key_renewal WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL"
                         "  SELECT x + 1 FROM n WHERE x < ?1) SELECT printf('%064x', x),"
                         "  printf('%064x', x + 1) FROM n UNION ALL SELECT ?2, printf('%064x', 1)",
                         &s, NULL),
        0);
    (void)sqlite3_bind_int(s, 1, KEY_LINEAGE_MAX - 3);
    registry_bind_hash(s, 2, b.keys[0]);
    assert_int_equal(registry_run(b.registry, s, NULL), KEY_LINEAGE_MAX - 2);
    assert_int_equal(found(&b, "lamp", 0, 1), KEY_LINEAGE_GIVEN);
    assert_int_equal(key_lineage_record(b.registry, b.csrs[2], b.keys[0], NULL), 0);
    give(&b, 2);
    assert_int_equal(found(&b, "lamp", 2, 1), KEY_LINEAGE_RENEWED);
    tear_down(&b);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_a_key_is_depends_on_who_asked_for_it),
        TEST(of_who_is_not_active_there_is_no_key),
        TEST(a_circle_ends),
        TEST(a_line_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
