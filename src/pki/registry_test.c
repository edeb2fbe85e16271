/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry.h"

#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static struct registry *open_in(const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];
    struct registry *registry;
    struct pki_fault fault = { 0 };
    scratch_path(scratch, "registry.db", path);
    int error = registry_open(path, &registry, &fault);
    if (error != 0)
        fail_msg("%d: %s", error, fault.text);
    return registry;
}

static void assert_same(const struct registry_entry *a, const struct registry_entry *b)
{
    assert_string_equal(a->name, b->name);
    assert_int_equal(a->kind, b->kind);
    assert_string_equal(a->role, b->role);
    assert_string_equal(a->tenant, b->tenant);
    assert_string_equal(a->site, b->site);
    assert_int_equal(a->status, b->status);
    assert_memory_equal(a->key_sha256, b->key_sha256, REGISTRY_KEY_BYTES);
    assert_string_equal(a->certificate.serial, b->certificate.serial);
    assert_memory_equal(a->certificate.fingerprint, b->certificate.fingerprint, 32);
    assert_int_equal(a->certificate.not_before_s, b->certificate.not_before_s);
    assert_int_equal(a->certificate.not_after_s, b->certificate.not_after_s);
}

static void what_is_added_is_found(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry lamp = scratch_entry("lamp", 1);
    struct registry_entry found;
    assert_int_equal(registry_add(registry, &lamp, NULL), 0);
    registry_close(registry);

    registry = open_in(*state); /* it is in the file */
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    assert_same(&found, &lamp);
    assert_true(found.created_s > 1700000000 && found.changed_s == found.created_s);
    assert_int_equal(registry_find_by_key(registry, lamp.key_sha256, &found, NULL), 0);
    assert_same(&found, &lamp);
    assert_int_equal(
        registry_find_by_fingerprint(registry, lamp.certificate.fingerprint, &found, NULL), 0);
    assert_same(&found, &lamp);
    assert_int_equal(registry_find(registry, "wall", &found, NULL), -ENOENT);
    assert_int_equal(registry_find(registry, "LAMP", &found, NULL), -ENOENT);
    assert_int_equal(registry_find(registry, "' OR '1'='1", &found, NULL), -ENOENT);
    registry_close(registry);
}

static void the_file_is_for_its_owner(void **state)
{
    static const char *const names[] = { "registry.db", "registry.db-wal", "registry.db-shm" };
    mode_t old = umask(0);
    struct registry *registry = open_in(*state);
    struct registry_entry lamp = scratch_entry("lamp", 1);
    assert_int_equal(registry_add(registry, &lamp, NULL), 0);
    (void)umask(old);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++) {
        char path[SCRATCH_PATH_SIZE];
        struct stat status;
        scratch_path(*state, names[i], path);
        assert_int_equal(stat(path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0600);
    }
    registry_close(registry);
}

/* Promise I2. */
static void a_key_belongs_to_one_name_for_ever(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry lamp = scratch_entry("lamp", 1);
    struct registry_entry wall = scratch_entry("wall", 2);
    struct pki_fault fault;
    assert_int_equal(registry_add(registry, &lamp, NULL), 0);

    memcpy(wall.key_sha256, lamp.key_sha256, REGISTRY_KEY_BYTES);
    assert_int_equal(registry_add(registry, &wall, &fault), -ENOTUNIQ);
    assert_non_null(strstr(fault.text, "'lamp'"));
    assert_int_equal(registry_set_status(registry, "lamp", REGISTRY_RETIRED, NULL), 0);
    assert_int_equal(registry_add(registry, &wall, &fault), -ENOTUNIQ);

    struct registry_entry again = scratch_entry("lamp", 3);
    assert_int_equal(registry_add(registry, &again, &fault), -EEXIST);
    struct registry_entry same_certificate = scratch_entry("door", 4);
    memcpy(same_certificate.certificate.fingerprint, lamp.certificate.fingerprint, 32);
    assert_int_equal(registry_add(registry, &same_certificate, &fault), -ENOTUNIQ);
    registry_close(registry);
}

static void what_is_not_valid_is_refused(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry e = scratch_entry("a/b", 1);
    assert_int_equal(registry_add(registry, &e, NULL), -EINVAL);
    e = scratch_entry("lamp", 1);
    e.role[0] = '\0';
    assert_int_equal(registry_add(registry, &e, NULL), -EINVAL);
    e = scratch_entry("lamp", 1);
    e.kind = IDENTITY_KIND_COUNT;
    assert_int_equal(registry_add(registry, &e, NULL), -EINVAL);
    e = scratch_entry("lamp", 1);
    e.status = REGISTRY_STATUS_COUNT;
    assert_int_equal(registry_add(registry, &e, NULL), -EINVAL);
    assert_int_equal(registry_set_status(registry, "lamp", REGISTRY_STATUS_COUNT, NULL), -EINVAL);
    registry_close(registry);
}

static void changes_of_status(void **state)
{
    static const struct {
        enum registry_status from, to;
        int result;
    } rows[] = {
        { REGISTRY_ACTIVE, REGISTRY_SUSPENDED, 0 },
        { REGISTRY_ACTIVE, REGISTRY_RETIRED, 0 },
        { REGISTRY_ACTIVE, REGISTRY_REVOKED, 0 },
        { REGISTRY_SUSPENDED, REGISTRY_ACTIVE, 0 },
        { REGISTRY_SUSPENDED, REGISTRY_RETIRED, 0 },
        { REGISTRY_SUSPENDED, REGISTRY_REVOKED, 0 },
        { REGISTRY_RETIRED, REGISTRY_REVOKED, 0 },
        { REGISTRY_RETIRED, REGISTRY_ACTIVE, -EPERM },
        { REGISTRY_RETIRED, REGISTRY_SUSPENDED, -EPERM },
        { REGISTRY_REVOKED, REGISTRY_ACTIVE, -EPERM },
        { REGISTRY_REVOKED, REGISTRY_SUSPENDED, -EPERM },
        { REGISTRY_REVOKED, REGISTRY_RETIRED, -EPERM },
    };
    struct registry *registry = open_in(*state);
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char name[16];
        struct registry_entry found;
        (void)snprintf(name, sizeof(name), "d%u", i);
        struct registry_entry e = scratch_entry(name, i);
        e.status = rows[i].from;
        assert_int_equal(registry_add(registry, &e, NULL), 0);
        assert_int_equal(registry_set_status(registry, name, rows[i].to, NULL), rows[i].result);
        assert_int_equal(registry_find(registry, name, &found, NULL), 0);
        assert_int_equal(found.status, rows[i].result == 0 ? rows[i].to : rows[i].from);
    }
    assert_int_equal(registry_set_status(registry, "nobody", REGISTRY_ACTIVE, NULL), -ENOENT);
    registry_close(registry);
}

static void a_new_certificate(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry lamp = scratch_entry("lamp", 1);
    struct registry_entry found;
    assert_int_equal(registry_add(registry, &lamp, NULL), 0);
    lamp.certificate = scratch_entry("", 9).certificate;
    assert_int_equal(registry_set_certificate(registry, "lamp", &lamp.certificate, NULL), 0);
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    assert_same(&found, &lamp);
    assert_int_equal(registry_set_certificate(registry, "wall", &lamp.certificate, NULL), -ENOENT);
    registry_close(registry);
}

static int note(void *context, const struct registry_entry *e)
{
    char *seen = context;
    strcat(seen, e->name);
    strcat(seen, " ");
    return strcmp(e->name, "c") == 0 ? 7 : 0;
}

static void the_list_is_in_order_and_can_be_ended(void **state)
{
    static const char *const names[] = { "d", "b", "a", "c" };
    char seen[64] = "";
    struct registry *registry = open_in(*state);
    assert_int_equal(registry_list(registry, note, seen, NULL), 0);
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(names); i++) {
        struct registry_entry e = scratch_entry(names[i], i);
        assert_int_equal(registry_add(registry, &e, NULL), 0);
    }
    assert_int_equal(registry_list(registry, note, seen, NULL), 7);
    assert_string_equal(seen, "a b c ");
    registry_close(registry);
}

static void the_version_moves_with_every_change(void **state)
{
    struct registry *mine = open_in(*state);
    struct registry *other = open_in(*state);
    struct registry_entry e = scratch_entry("lamp", 1);
    uint64_t first;
    uint64_t second;
    assert_int_equal(registry_version(mine, &first), 0);
    assert_int_equal(registry_version(mine, &second), 0);
    assert_int_equal(first, second);

    assert_int_equal(registry_add(other, &e, NULL), 0);
    assert_int_equal(registry_version(mine, &second), 0);
    assert_int_not_equal(first, second);
    assert_int_equal(registry_set_status(mine, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(registry_version(mine, &first), 0);
    assert_int_not_equal(first, second);
    assert_int_equal(registry_set_status(other, "lamp", REGISTRY_ACTIVE, NULL), 0);
    assert_int_equal(registry_version(mine, &second), 0);
    assert_int_not_equal(first, second);
    registry_close(other);
    registry_close(mine);
}

static void run_sql(const struct scratch *scratch, const char *sql)
{
    char path[SCRATCH_PATH_SIZE];
    sqlite3 *db;
    scratch_path(scratch, "registry.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void files_of_others(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct registry *registry = NULL;
    struct pki_fault fault;
    scratch_path(*state, "registry.db", path);

    FILE *f = fopen(path, "w");
    assert_non_null(f);
    for (int i = 0; i < 100; i++)
        (void)fputs("certainly not a database ", f);
    (void)fclose(f);
    assert_int_equal(registry_open(path, &registry, &fault), -EBADMSG);
    assert_non_null(strstr(fault.text, path));

    (void)unlink(path);
    run_sql(*state, "CREATE TABLE recipes (name TEXT)");
    assert_int_equal(registry_open(path, &registry, &fault), -EBADMSG);

    (void)unlink(path);
    registry_close(open_in(*state));
    run_sql(*state, "PRAGMA user_version = 99");
    assert_int_equal(registry_open(path, &registry, &fault), -EPROTO);

    scratch_path(*state, "no/such", path);
    assert_int_equal(registry_open(path, &registry, &fault), -ENOENT);
    assert_null(registry);
}

/* Operators have sqlite3 at hand. What they break is reported, and never lets anybody in. */
static void a_row_changed_by_hand(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry lamp = scratch_entry("lamp", 1);
    struct registry_entry found;
    char seen[64] = "";
    assert_int_equal(registry_add(registry, &lamp, NULL), 0);
    run_sql(*state, "UPDATE identity SET key_sha256 = replace(key_sha256, '0', 'z')");
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), -EBADMSG);
    assert_int_equal(registry_list(registry, note, seen, NULL), -EBADMSG);
    assert_string_equal(seen, "");
    assert_int_equal(registry_survey(registry, note, seen, NULL), 0);
    assert_string_equal(seen, "lamp ");
    registry_close(registry);
}

/* A zero byte does not end a text of SQLite: what stands before it is not all there is. */
static void a_zero_byte_inside(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry lamp = scratch_entry("lamp", 1);
    struct registry_entry found;
    assert_int_equal(registry_add(registry, &lamp, NULL), 0);
    run_sql(*state, "UPDATE identity SET role = 'device' || char(0) || 'x'");
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), -EBADMSG);
    registry_close(registry);
}

/* The file as the first release made it, with what it kept of `entry`. */
static void make_schema_1(const struct scratch *scratch, const struct registry_entry *entry,
                          const char *status)
{
    char key[65];
    char fingerprint[65];
    char sql[1024];

    for (size_t i = 0; i < 32; i++) {
        (void)snprintf(key + 2 * i, 3, "%02x", entry->key_sha256[i]);
        (void)snprintf(fingerprint + 2 * i, 3, "%02x", entry->certificate.fingerprint[i]);
    }
    run_sql(scratch, "CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY NOT NULL,"
                     " kind TEXT NOT NULL, role TEXT NOT NULL, tenant TEXT NOT NULL DEFAULT '',"
                     " site TEXT NOT NULL DEFAULT '', status TEXT NOT NULL,"
                     " key_sha256 TEXT NOT NULL UNIQUE, serial TEXT NOT NULL UNIQUE,"
                     " fingerprint TEXT NOT NULL UNIQUE, not_before INTEGER NOT NULL,"
                     " not_after INTEGER NOT NULL, created INTEGER NOT NULL,"
                     " changed INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
                     "PRAGMA application_id = 1413563220; PRAGMA user_version = 1");
    (void)snprintf(sql, sizeof(sql),
                   "INSERT INTO identity VALUES ('%s', 'device', '%s', '%s', '', '%s', '%s', '%s',"
                   " '%s', %lld, %lld, 1, 2)",
                   entry->name, entry->role, entry->tenant, status, key, entry->certificate.serial,
                   fingerprint, (long long)entry->certificate.not_before_s,
                   (long long)entry->certificate.not_after_s);
    run_sql(scratch, sql);
}

/* What the first release made of the file is kept. */
static void a_registry_of_schema_1(void **state)
{
    struct registry *registry;
    struct registry_entry lamp = scratch_entry("lamp", 1);
    struct registry_entry found;
    uint64_t before;
    uint64_t after;
    make_schema_1(*state, &lamp, "active");

    registry = open_in(*state);
    struct registry *second = open_in(*state); /* finds it done */
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    assert_same(&found, &lamp);
    assert_int_equal(registry_policy_version(registry, &before), 0);
    assert_int_equal(registry_set_status(registry, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(registry_policy_version(second, &after), 0);
    assert_true(after > before);
    run_sql(*state, "INSERT INTO membership VALUES ('hall', 'lamp')");
    assert_int_equal(registry_policy_version(registry, &before), 0);
    assert_true(before > after);
    registry_close(second);
    registry_close(registry);
}

static void reading_goes_on_while_another_writes(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    sqlite3 *db;
    struct registry *registry = open_in(*state);
    scratch_path(*state, "registry.db", path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);

    struct registry_entry found;
    uint64_t version;
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), -ENOENT);
    assert_int_equal(registry_version(registry, &version), 0);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    registry_close(registry);
}

static void texts(void **state)
{
    (void)state;
    assert_string_equal(registry_status_text(REGISTRY_ACTIVE), "active");
    assert_string_equal(registry_status_text(REGISTRY_REVOKED), "revoked");
    assert_string_equal(registry_status_text(REGISTRY_STATUS_COUNT), "unknown");
    registry_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_is_found),
        TEST(the_file_is_for_its_owner),
        TEST(a_key_belongs_to_one_name_for_ever),
        TEST(what_is_not_valid_is_refused),
        TEST(changes_of_status),
        TEST(a_new_certificate),
        TEST(the_list_is_in_order_and_can_be_ended),
        TEST(the_version_moves_with_every_change),
        TEST(files_of_others),
        TEST(a_row_changed_by_hand),
        TEST(a_zero_byte_inside),
        TEST(a_registry_of_schema_1),
        TEST(reading_goes_on_while_another_writes),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
