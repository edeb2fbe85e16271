/* SPDX-License-Identifier: Apache-2.0 */
/* Suspended, revoked, back with a new key, renamed; and each of them interrupted at every step. */
#include "pki/registry_life.h"

#include "pki/registry_sql.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define DAY_S      86400
#define DUMP_BYTES 65536

static struct registry *open_in(const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];
    struct registry *registry;

    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &registry, NULL), 0);
    return registry;
}

/* A device whose certificate is good for a month from now. */
static struct registry_entry device(const char *name, unsigned seed)
{
    struct registry_entry entry = scratch_entry(name, seed);

    entry.certificate.not_before_s = (int64_t)time(NULL) - DAY_S;
    entry.certificate.not_after_s = (int64_t)time(NULL) + 30 * DAY_S;
    return entry;
}

/* "lamp", with two certificates, one of them expired. */
static void add_lamp(struct registry *registry)
{
    struct registry_entry lamp = device("lamp", 1);
    struct registry_certificate second = device("", 2).certificate;

    lamp.certificate.not_after_s = (int64_t)time(NULL) - 1;
    assert_int_equal(registry_add(registry, &lamp, NULL), 0);
    assert_int_equal(registry_set_certificate(registry, "lamp", &second, NULL), 0);
}

static void sql(struct registry *registry, const char *text)
{
    if (sqlite3_exec(registry->db, text, NULL, NULL, NULL) != SQLITE_OK)
        fail_msg("%s: %s", text, sqlite3_errmsg(registry->db));
}

/* The first value of the first row; -1: there is none. */
static int64_t number(struct registry *registry, const char *text)
{
    sqlite3_stmt *s;
    int64_t value = -1;

    assert_int_equal(sqlite3_prepare_v2(registry->db, text, -1, &s, NULL), SQLITE_OK);
    if (sqlite3_step(s) == SQLITE_ROW)
        value = sqlite3_column_int64(s, 0);
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    return value;
}

static enum registry_status status_of(struct registry *registry, const char *name)
{
    struct registry_entry entry;

    assert_int_equal(registry_find(registry, name, &entry, NULL), 0);
    return entry.status;
}

static const struct registry_revocation stolen = { REGISTRY_REASON_KEY_COMPROMISE, "in the news",
                                                   true };

static int note_serial(void *context, const struct registry_issued *issued)
{
    char *seen = context;

    (void)snprintf(seen + strlen(seen), 64, "%s:%s ", issued->certificate.serial,
                   issued->revoked_s != 0 ? registry_reason_text(issued->reason) : "good");
    return 0;
}

static const char *issued(struct registry *registry, const char *name, char seen[256])
{
    seen[0] = '\0';
    assert_int_equal(registry_list_issued(registry, name, note_serial, seen, NULL), 0);
    return seen;
}

static const char *revoked(struct registry *registry, char seen[256])
{
    seen[0] = '\0';
    assert_int_equal(registry_list_revoked(registry, (int64_t)time(NULL), note_serial, seen, NULL),
                     0);
    return seen;
}

/* ---- each of them ---- */

static void a_revocation_takes_everything_along(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry found;
    char seen[256];
    add_lamp(registry);
    sql(registry, "INSERT INTO token (hash, name, kind, role, replaces, created, expires) VALUES ("
                  "printf('%064d', 1), 'lamp', 'device', 'device', 1, 0, 4000000000)");

    assert_string_equal(issued(registry, "lamp", seen), "01:good 02:good ");
    assert_int_equal(registry_revoke(registry, "lamp", &stolen, NULL), 0);
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    assert_int_equal(found.status, REGISTRY_REVOKED);
    assert_string_equal(found.reason, "key-compromise: in the news");
    /* What has expired is of no interest any more. */
    assert_string_equal(revoked(registry, seen), "02:key-compromise ");
    assert_int_equal(number(registry, "SELECT count(*) FROM blocked_key"), 1);
    assert_true(number(registry, "SELECT expires FROM token") <= (int64_t)time(NULL));
    assert_int_equal(registry_set_certificate(registry, "lamp", &found.certificate, NULL), -EPERM);
    assert_int_equal(registry_resume(registry, "lamp", NULL), -EPERM);
    assert_int_equal(registry_suspend(registry, "lamp", NULL, NULL), -EPERM);
    assert_int_equal(registry_retire(registry, "lamp", NULL, NULL), -EPERM);
    registry_close(registry);
}

static void a_better_reason_may_follow(void **state)
{
    const struct registry_revocation first = { REGISTRY_REASON_PRIVILEGE_WITHDRAWN, NULL, false };
    struct registry *registry = open_in(*state);
    char seen[256];
    add_lamp(registry);

    assert_int_equal(registry_revoke(registry, "lamp", &first, NULL), 0);
    sql(registry, "UPDATE certificate SET revoked = revoked - 100 WHERE revoked <> 0");
    int64_t when = number(registry, "SELECT max(revoked) FROM certificate");
    assert_string_equal(revoked(registry, seen), "02:privilege-withdrawn ");
    assert_int_equal(number(registry, "SELECT count(*) FROM blocked_key"), 0);
    assert_int_equal(registry_revoke(registry, "lamp", &stolen, NULL), 0);
    assert_string_equal(revoked(registry, seen), "02:key-compromise ");
    assert_int_equal(number(registry, "SELECT max(revoked) FROM certificate"), when);
    assert_int_equal(number(registry, "SELECT count(*) FROM blocked_key"), 1);
    registry_close(registry);
}

static void a_suspension_is_a_hold(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry found;
    char seen[256];
    add_lamp(registry);

    assert_int_equal(registry_suspend(registry, "lamp", "on the way to repair", NULL), 0);
    assert_int_equal(registry_suspend(registry, "lamp", "still there", NULL), 0);
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    assert_string_equal(found.reason, "certificate-hold: still there");
    assert_string_equal(revoked(registry, seen), "02:certificate-hold ");
    assert_int_equal(registry_resume(registry, "lamp", NULL), 0);
    assert_int_equal(registry_resume(registry, "lamp", NULL), 0);
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    assert_int_equal(found.status, REGISTRY_ACTIVE);
    assert_string_equal(found.reason, "");
    assert_string_equal(revoked(registry, seen), "");

    /* A hold may end in a revocation. */
    assert_int_equal(registry_suspend(registry, "lamp", NULL, NULL), 0);
    assert_int_equal(registry_retire(registry, "lamp", NULL, NULL), 0);
    assert_string_equal(revoked(registry, seen), "02:cessation-of-operation ");
    assert_int_equal(registry_resume(registry, "lamp", NULL), -EPERM);
    assert_int_equal(status_of(registry, "lamp"), REGISTRY_RETIRED);
    registry_close(registry);
}

static struct registry_new_key new_key(unsigned seed)
{
    const struct registry_entry model = device("", seed);
    struct registry_new_key key = { .certificate = model.certificate,
                                    .protection = "tpm",
                                    .algorithm = "EC P-256" };

    memcpy(key.key_sha256, model.key_sha256, sizeof(key.key_sha256));
    return key;
}

static void only_a_new_key_brings_it_back(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_new_key old = new_key(1);
    struct registry_new_key others = new_key(9);
    struct registry_new_key fresh = new_key(3);
    struct registry_new_key fourth = new_key(4);
    struct registry_entry wall = device("wall", 9);
    struct registry_entry found;
    char seen[256];
    add_lamp(registry);
    assert_int_equal(registry_add(registry, &wall, NULL), 0);
    assert_int_equal(registry_revoke(registry, "lamp", &stolen, NULL), 0);

    assert_int_equal(registry_rekey(registry, "lamp", &old, NULL), -ENOTUNIQ);
    assert_int_equal(registry_rekey(registry, "lamp", &others, NULL), -ENOTUNIQ);
    assert_int_equal(registry_rekey(registry, "nobody", &fresh, NULL), -ENOENT);
    sql(registry, "INSERT INTO blocked_key SELECT replace(key_sha256, '01', '03'), '', '', 0 FROM "
                  "identity WHERE name = 'lamp'");
    assert_int_equal(registry_rekey(registry, "lamp", &fresh, NULL), -EKEYREJECTED);
    sql(registry, "DELETE FROM blocked_key WHERE source = ''");
    assert_int_equal(status_of(registry, "lamp"), REGISTRY_REVOKED);
    assert_int_equal(registry_rekey(registry, "lamp", &fresh, NULL), 0);
    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    assert_int_equal(found.status, REGISTRY_ACTIVE);
    assert_string_equal(found.protection, "tpm");
    assert_memory_equal(found.key_sha256, fresh.key_sha256, REGISTRY_KEY_BYTES);
    assert_string_equal(revoked(registry, seen), "02:key-compromise ");

    /* One that is active may have another key, too, but never one of before. */
    assert_int_equal(registry_suspend(registry, "lamp", NULL, NULL), 0);
    assert_int_equal(registry_rekey(registry, "lamp", &fourth, NULL), -EPERM);
    assert_int_equal(registry_resume(registry, "lamp", NULL), 0);
    assert_int_equal(registry_rekey(registry, "lamp", &fourth, NULL), 0);
    assert_string_equal(revoked(registry, seen), "02:key-compromise 03:superseded ");
    assert_int_equal(registry_rekey(registry, "lamp", &fresh, NULL), -ENOTUNIQ);
    registry_close(registry);
}

static void a_new_name_takes_everything_along(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry wall = device("wall", 9);
    struct registry_entry again = device("lamp", 7);
    char name[IDENTITY_URI_NAME_SIZE];
    char seen[256];
    struct pki_fault fault;
    add_lamp(registry);
    assert_int_equal(registry_add(registry, &wall, NULL), 0);
    sql(registry, "INSERT INTO membership VALUES ('hall', 'lamp');"
                  "INSERT INTO grants (subject_kind, subject, action, pattern, created) VALUES"
                  " ('device', 'lamp', 'publish', 'a', 0), ('role', 'lamp', 'publish', 'b', 0)");
    uint64_t before;
    uint64_t after;
    assert_int_equal(registry_policy_version(registry, &before), 0);

    assert_int_equal(registry_rename(registry, "lamp", "wall", NULL), -EEXIST);
    assert_int_equal(registry_rename(registry, "lamp", "a/b", NULL), -EINVAL);
    assert_int_equal(registry_rename(registry, "nobody", "x", NULL), -ENOENT);
    assert_int_equal(registry_rename(registry, "wall", "lamp2", NULL), 0);
    sql(registry, "INSERT INTO membership VALUES ('hall', 'lamp3')");
    assert_int_equal(registry_rename(registry, "lamp", "lamp3", NULL), -EEXIST);
    assert_int_equal(registry_rename(registry, "lamp", "wall", NULL), -EEXIST);
    assert_int_equal(registry_rename(registry, "lamp", "bulb", NULL), 0);
    assert_int_equal(registry_policy_version(registry, &after), 0);
    assert_int_not_equal(before, after);

    assert_int_equal(status_of(registry, "bulb"), REGISTRY_ACTIVE);
    assert_string_equal(issued(registry, "bulb", seen), "01:good 02:superseded ");
    assert_int_equal(number(registry, "SELECT count(*) FROM grants WHERE subject = 'bulb'"), 1);
    assert_int_equal(number(registry, "SELECT count(*) FROM membership WHERE device = 'bulb'"), 1);
    assert_int_equal(number(registry, "SELECT count(*) FROM key_use WHERE name = 'bulb'"), 1);
    assert_int_equal(registry_find_successor(registry, "lamp", name, NULL), 0);
    assert_string_equal(name, "bulb");
    assert_int_equal(registry_find_successor(registry, "bulb", name, NULL), -ENOENT);

    /* Its old name is nobody's any more. */
    assert_int_equal(registry_add(registry, &again, &fault), -EEXIST);
    assert_non_null(strstr(fault.text, "'bulb'"));
    assert_int_equal(registry_rename(registry, "bulb", "torch", NULL), 0);
    assert_int_equal(registry_find_successor(registry, "lamp", name, NULL), 0);
    assert_string_equal(name, "torch");
    assert_int_equal(registry_rename(registry, "torch", "lamp", NULL), -EEXIST);
    assert_int_equal(registry_retire(registry, "torch", NULL, NULL), 0);
    assert_int_equal(registry_rename(registry, "torch", "gone", NULL), -EPERM);
    registry_close(registry);
}

static void what_is_said_is_checked(void **state)
{
    const struct registry_revocation hold = { REGISTRY_REASON_CERTIFICATE_HOLD, NULL, false };
    const struct registry_revocation lines = { REGISTRY_REASON_UNSPECIFIED, "two\nlines", false };
    struct registry *registry = open_in(*state);
    enum registry_reason reason = REGISTRY_REASON_SUPERSEDED;
    char longest[REGISTRY_REMARK_MAX + 2];
    add_lamp(registry);

    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    assert_int_equal(registry_revoke(registry, "lamp", &hold, NULL), -EINVAL);
    assert_int_equal(registry_revoke(registry, "lamp", &lines, NULL), -EINVAL);
    assert_int_equal(registry_suspend(registry, "lamp", longest, NULL), -EINVAL);
    longest[sizeof(longest) - 2] = '\0';
    assert_int_equal(registry_suspend(registry, "lamp", longest, NULL), 0);
    assert_int_equal(registry_suspend(registry, "nobody", NULL, NULL), -ENOENT);
    assert_int_equal(registry_revoke(registry, "nobody", &stolen, NULL), -ENOENT);
    assert_int_equal(registry_reason_parse("key-compromise", &reason), 0);
    assert_int_equal(reason, REGISTRY_REASON_KEY_COMPROMISE);
    assert_int_equal(registry_reason_parse("Key-Compromise", &reason), -EINVAL);
    assert_string_equal(registry_reason_text((enum registry_reason)7), "unspecified");
    registry_close(registry);
}

/* ---- interrupted ---- */

static void dump(struct registry *registry, char *out)
{
    static const char *const queries[] = {
        "SELECT quote(name) || status || reason || key_sha256 || serial FROM identity",
        "SELECT serial || quote(name) || (revoked <> 0) || reason FROM certificate",
        "SELECT key_sha256 || quote(name) FROM key_use",
        "SELECT key_sha256 || reason FROM blocked_key",
        "SELECT quote(name) || (expires > unixepoch()) FROM token",
        "SELECT grp || quote(device) FROM membership",
        "SELECT quote(subject) FROM grants",
        "SELECT quote(name) || quote(named) FROM former_name",
        "SELECT counter FROM policy_version",
    };
    size_t used = 0;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(queries); i++) {
        sqlite3_stmt *s;
        assert_int_equal(sqlite3_prepare_v2(registry->db, queries[i], -1, &s, NULL), SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            used += (size_t)snprintf(out + used, DUMP_BYTES - used, "%zu %s\n", i,
                                     (const char *)sqlite3_column_text(s, 0));
            assert_true(used < DUMP_BYTES);
        }
        assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
    }
}

static int do_add(struct registry *registry)
{
    const struct registry_entry door = device("door", 20);

    return registry_add(registry, &door, NULL);
}

static int do_renew(struct registry *registry)
{
    const struct registry_certificate certificate = device("", 21).certificate;

    return registry_set_certificate(registry, "lamp", &certificate, NULL);
}

static int do_revoke(struct registry *registry)
{
    return registry_revoke(registry, "lamp", &stolen, NULL);
}

static int do_suspend(struct registry *registry)
{
    return registry_suspend(registry, "lamp", NULL, NULL);
}

static int do_resume(struct registry *registry)
{
    return registry_resume(registry, "held", NULL);
}

static int do_retire(struct registry *registry)
{
    return registry_retire(registry, "lamp", NULL, NULL);
}

static int do_rekey(struct registry *registry)
{
    const struct registry_new_key key = new_key(22);

    return registry_rekey(registry, "lamp", &key, NULL);
}

static int do_rename(struct registry *registry)
{
    return registry_rename(registry, "lamp", "bulb", NULL);
}

/* Stops what runs after so many steps of the database's machine: between any two of them the
 * process might have been killed. */
static int count_down(void *context)
{
    long *left = context;

    return --*left == 0;
}

/* `done`: how it looks afterwards. An interruption may come when everything is done already. */
static long interrupt_everywhere(struct registry *registry, int (*change)(struct registry *),
                                 const char *done)
{
    static char before[DUMP_BYTES];
    static char after[DUMP_BYTES];
    long steps = 0;

    dump(registry, before);
    assert_string_not_equal(before, done);
    do {
        long left = ++steps;
        sqlite3_progress_handler(registry->db, 1, count_down, &left);
        int result = change(registry);
        sqlite3_progress_handler(registry->db, 0, NULL, NULL);
        dump(registry, after);
        if (result == 0)
            assert_string_equal(after, done);
        else if (strcmp(after, done) != 0)
            assert_string_equal(after, before);
        assert_true(steps < 100000);
    } while (strcmp(after, done) != 0);
    return steps;
}

static struct registry *furnish(const struct scratch *scratch)
{
    struct registry *registry = open_in(scratch);
    struct registry_entry held = device("held", 30);

    add_lamp(registry);
    assert_int_equal(registry_add(registry, &held, NULL), 0);
    assert_int_equal(registry_suspend(registry, "held", NULL, NULL), 0);
    sql(registry, "INSERT INTO membership VALUES ('hall', 'lamp');"
                  "INSERT INTO token (hash, name, kind, role, created, expires) VALUES ("
                  "printf('%064d', 1), 'lamp', 'device', 'device', 0, 4000000000)");
    return registry;
}

static void an_interruption_leaves_all_or_nothing(void **state)
{
    static const struct {
        const char *name;
        int (*change)(struct registry *registry);
    } rows[] = {
        { "add", do_add },         { "renew", do_renew },   { "revoke", do_revoke },
        { "suspend", do_suspend }, { "resume", do_resume }, { "retire", do_retire },
        { "rekey", do_rekey },     { "rename", do_rename },
    };
    static char done[DUMP_BYTES];

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct registry *registry = furnish(*state);
        assert_int_equal(rows[i].change(registry), 0);
        dump(registry, done);
        registry_close(registry);
        scratch_clear(*state);

        registry = furnish(*state);
        long steps = interrupt_everywhere(registry, rows[i].change, done);
        print_message("%s: %ld interruptions\n", rows[i].name, steps - 1);
        assert_true(steps > 20);
        registry_close(registry);
        scratch_clear(*state);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_revocation_takes_everything_along),
        TEST(a_better_reason_may_follow),
        TEST(a_suspension_is_a_hold),
        TEST(only_a_new_key_brings_it_back),
        TEST(a_new_name_takes_everything_along),
        TEST(what_is_said_is_checked),
        TEST(an_interruption_leaves_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
