/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/grants.h"

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

/* With another tool, and one that does not care about what the table says is valid. */
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

static struct registry_grant plain(const char *subject, const char *pattern)
{
    struct registry_grant grant = {
        .maximum_qos = -1,
        .retain = -1,
        .payload_bytes = -1,
        .rate_messages = -1,
        .rate_seconds = -1,
    };

    (void)snprintf(grant.subject, sizeof(grant.subject), "%s", subject);
    (void)snprintf(grant.pattern, sizeof(grant.pattern), "%s", pattern);
    return grant;
}

struct seen {
    struct registry_grant grants[8];
    size_t count;
    size_t stop_at; /* 0: not */
};

static int note(void *context, const struct registry_grant *grant)
{
    struct seen *seen = context;

    assert_true(seen->count < MQTT_ARRAY_LEN(seen->grants));
    seen->grants[seen->count++] = *grant;
    return seen->count == seen->stop_at ? 7 : 0;
}

static struct seen list(struct registry *registry)
{
    struct seen seen = { .count = 0 };

    assert_int_equal(grants_list(registry, note, &seen, NULL), 0);
    return seen;
}

static void assert_same(const struct registry_grant *a, const struct registry_grant *b)
{
    assert_int_equal(a->subject_kind, b->subject_kind);
    assert_string_equal(a->subject, b->subject);
    assert_int_equal(a->subscribes, b->subscribes);
    assert_int_equal(a->denies, b->denies);
    assert_string_equal(a->pattern, b->pattern);
    assert_int_equal(a->maximum_qos, b->maximum_qos);
    assert_int_equal(a->retain, b->retain);
    assert_int_equal(a->payload_bytes, b->payload_bytes);
    assert_int_equal(a->rate_messages, b->rate_messages);
    assert_int_equal(a->rate_seconds, b->rate_seconds);
    assert_int_equal(a->depth, b->depth);
    assert_int_equal(a->most_topics, b->most_topics);
    assert_string_equal(a->owner, b->owner);
    assert_string_equal(a->reason, b->reason);
    assert_int_equal(a->expires_s, b->expires_s);
}

static void what_is_added_is_listed(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_grant full = {
        .subject_kind = GRANT_TO_GROUP,
        .subscribes = true,
        .denies = true,
        .maximum_qos = 1,
        .retain = 1,
        .payload_bytes = 4096,
        .rate_messages = 10,
        .rate_seconds = 60,
        .depth = 0,
        .most_topics = 5,
        .expires_s = 1900000000,
    };
    struct registry_grant lamp = plain("lamp", "a/%{device}");
    int64_t first = 0;
    int64_t second = 0;

    memset(full.subject, 'g', 120);
    memset(full.pattern, 'p', GRANT_PATTERN_SIZE - 1);
    memset(full.owner, 'o', REGISTRY_TEXT_SIZE - 1);
    memset(full.reason, 'r', GRANT_REASON_SIZE - 1);
    assert_int_equal(grants_add(registry, &full, &first, NULL), 0);
    assert_int_equal(grants_add(registry, &lamp, &second, NULL), 0);
    assert_true(second > first);
    registry_close(registry);

    registry = open_in(*state); /* it is in the file */
    struct seen seen = list(registry);
    assert_int_equal(seen.count, 2);
    assert_same(&seen.grants[0], &full);
    assert_same(&seen.grants[1], &lamp);
    assert_int_equal(seen.grants[0].id, first);
    assert_true(seen.grants[0].created_s > 1700000000);
    registry_close(registry);
}

static void a_number_is_used_once(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_grant lamp = plain("lamp", "a");
    struct pki_fault fault;
    int64_t first = 0;
    int64_t second = 0;

    assert_int_equal(grants_add(registry, &lamp, &first, NULL), 0);
    assert_int_equal(grants_remove(registry, first, NULL), 0);
    assert_int_equal(list(registry).count, 0);
    assert_int_equal(grants_remove(registry, first, &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "tacit grant list"));
    assert_int_equal(grants_add(registry, &lamp, &second, NULL), 0);
    assert_int_not_equal(first, second);
    registry_close(registry);
}

static void the_list_can_be_ended(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_grant lamp = plain("lamp", "a");
    struct seen seen = { .stop_at = 2 };
    int64_t id;

    for (int i = 0; i < 3; i++)
        assert_int_equal(grants_add(registry, &lamp, &id, NULL), 0);
    assert_int_equal(grants_list(registry, note, &seen, NULL), 7);
    assert_int_equal(seen.count, 2);
    registry_close(registry);
}

static void spoil(struct registry_grant *grant, unsigned how)
{
    static const char *const subjects[] = { "", "a/b", "+", "#", "$SYS", "a b", "%{device}" };

    if (how < MQTT_ARRAY_LEN(subjects)) {
        (void)snprintf(grant->subject, sizeof(grant->subject), "%s", subjects[how]);
        return;
    }
    switch (how - (unsigned)MQTT_ARRAY_LEN(subjects)) {
    case 0:
        grant->subject_kind = GRANT_SUBJECT_COUNT;
        break;
    case 1:
        grant->pattern[0] = '\0';
        break;
    case 2:
        grant->maximum_qos = 3;
        break;
    case 3:
        grant->retain = 2;
        break;
    case 4:
        grant->rate_messages = 1;
        grant->rate_seconds = 0;
        break;
    case 5:
        grant->expires_s = -1;
        break;
    case 6:
        grant->most_topics = 1;
        grant->depth = -1;
        break;
    default: /* what is granted to a group needs a name that is a little longer */
        grant->subject_kind = GRANT_TO_GROUP;
        memset(grant->subject, 'g', 121);
        break;
    }
}

static void what_is_not_valid_is_refused(void **state)
{
    struct registry *registry = open_in(*state);

    for (unsigned how = 0; how < 15; how++) {
        struct registry_grant grant = plain("lamp", "a");
        struct pki_fault fault = { "" };
        int64_t id = 77;
        spoil(&grant, how);
        assert_int_equal(grants_add(registry, &grant, &id, &fault), -EINVAL);
        assert_int_equal(id, 77);
        assert_true(strlen(fault.text) > 10);
    }
    assert_int_equal(list(registry).count, 0);
    registry_close(registry);
}

#define INSERT                                                                          \
    "INSERT INTO grants (subject_kind, subject, action, denies, pattern, maximum_qos, " \
    "retain, payload, rate, rate_seconds, depth, most_topics, owner, expires, created) VALUES "

static void rows_of_other_tools(void **state)
{
    static const char *const rows[] = {
        "('robot', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', printf('%.*c', 129, 'x'), 'publish', 0, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp' || char(0) || 'x', 'publish', 0, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'read', 0, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', '', 0, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, printf('%.*c', 1025, 'x'), 1, 1, 1, 1, 1, 1, 1, '', 0, "
        "0)",
        "('device', 'lamp', 'publish', 0, printf('%.*c', 65536, 'x'), 1, 1, 1, 1, 1, 1, 1, '', 0, "
        "0)",
        "('device', 'lamp', 'subscribe', 0, '#' || char(0) || '/only', 1, 1, 1, 1, 1, 1, 1, '', 0, "
        "0)",
        "('device', 'lamp', 'publish', 2, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', -1, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 257, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', -1, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 4294967296, 1, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 2, 1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, -1, 1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, -1, 1, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, 0, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, NULL, 1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, 1, -1, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, 1, NULL, 1, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, 1, 1, 0, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, 1, 1, -5, '', 0, 0)",
        "('device', 'lamp', 'publish', 0, 'a', 1, 1, 1, 1, 1, 1, 1, printf('%.*c', 129, 'x'), 0, "
        "0)",
    };
    struct registry *registry = open_in(*state);

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char sql[512];
        run_sql(*state, "DELETE FROM grants");
        (void)snprintf(sql, sizeof(sql), INSERT "%s", rows[i]);
        run_sql(*state, sql);
        struct seen seen = list(registry);
        assert_int_equal(seen.count, 1);
        if (seen.grants[0].pattern[0] != '\0')
            fail_msg("half understood: %s", rows[i]);
        assert_int_equal(grants_remove(registry, seen.grants[0].id, NULL), 0);
    }
    registry_close(registry);
}

/* Between such rows the good ones count. */
static void good_rows_of_other_tools(void **state)
{
    struct registry *registry = open_in(*state);

    run_sql(*state,
            INSERT "('device', 'lamp', 'read', 0, 'a', 1, 1, 1, 1, 1, 1, 1, '', 0, 0), "
                   "('role', 'r', 'subscribe', 1, 'b', NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
                   "'', 0, 0), "
                   "('group', 'g', 'subscribe', 0, 'c/#', 2, 0, 9223372036854775807, 0, 1, 0, 1, "
                   "'me', 9223372036854775807, 0)");
    struct seen seen = list(registry);
    assert_int_equal(seen.count, 3);
    assert_string_equal(seen.grants[0].pattern, "");
    assert_string_equal(seen.grants[1].pattern, "b");
    assert_true(seen.grants[1].denies && seen.grants[1].subscribes);
    assert_int_equal(seen.grants[1].maximum_qos, -1);
    assert_int_equal(seen.grants[1].retain, -1);
    assert_int_equal(seen.grants[1].payload_bytes, -1);
    assert_int_equal(seen.grants[1].rate_messages, -1);
    assert_int_equal(seen.grants[1].most_topics, 0);
    assert_string_equal(seen.grants[2].pattern, "c/#");
    assert_int_equal(seen.grants[2].payload_bytes, INT64_MAX);
    assert_int_equal(seen.grants[2].depth, 0);
    assert_int_equal(seen.grants[2].most_topics, 1);
    assert_int_equal(seen.grants[2].expires_s, INT64_MAX);
    registry_close(registry);
}

static void a_busy_registry(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    sqlite3 *db;
    struct registry *registry = open_in(*state);
    struct registry_grant lamp = plain("lamp", "a");
    struct pki_fault fault;
    int64_t id = 77;

    scratch_path(*state, "registry.db", path);
    assert_int_equal(sqlite3_busy_timeout(registry->db, 10), SQLITE_OK);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(list(registry).count, 0); /* reading goes on */
    assert_int_equal(grants_add(registry, &lamp, &id, &fault), -EBUSY);
    assert_non_null(strstr(fault.text, "try again"));
    assert_int_equal(id, 77);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_int_equal(grants_add(registry, &lamp, &id, &fault), 0);
    registry_close(registry);
}

static void a_change_moves_the_version(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry late = scratch_entry("late", 1);
    struct registry_entry other = scratch_entry("other", 2);
    struct registry_grant grant = plain("late", "a");
    uint64_t versions[4];
    int64_t id;

    assert_int_equal(registry_policy_version(registry, &versions[0]), 0);
    assert_int_equal(grants_add(registry, &grant, &id, NULL), 0);
    assert_int_equal(registry_policy_version(registry, &versions[1]), 0);
    assert_true(versions[1] > versions[0]);
    assert_int_equal(registry_add(registry, &other, NULL), 0);
    assert_int_equal(registry_policy_version(registry, &versions[2]), 0);
    assert_int_equal(versions[2], versions[1]);
    /* Something was granted, or denied, to this one before it was there. */
    assert_int_equal(registry_add(registry, &late, NULL), 0);
    assert_int_equal(registry_policy_version(registry, &versions[3]), 0);
    assert_true(versions[3] > versions[2]);
    assert_int_equal(grants_remove(registry, id, NULL), 0);
    assert_int_equal(registry_policy_version(registry, &versions[0]), 0);
    assert_true(versions[0] > versions[3]);
    registry_close(registry);
}

static void texts(void **state)
{
    (void)state;
    assert_string_equal(grants_subject_text(GRANT_TO_DEVICE), "device");
    assert_string_equal(grants_subject_text(GRANT_TO_ROLE), "role");
    assert_string_equal(grants_subject_text(GRANT_TO_GROUP), "group");
    assert_string_equal(grants_subject_text(GRANT_SUBJECT_COUNT), "unknown");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_added_is_listed), TEST(a_number_is_used_once),
        TEST(the_list_can_be_ended),   TEST(what_is_not_valid_is_refused),
        TEST(rows_of_other_tools),     TEST(good_rows_of_other_tools),
        TEST(a_busy_registry),         TEST(a_change_moves_the_version),
        cmocka_unit_test(texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
