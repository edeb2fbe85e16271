/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/canaries.h"

#include "pki/account_view.h"
#include "pki/canary_set.h"
#include "pki/registry_life.h"
#include "pki/registry_sql.h"
#include "pki/registry_view.h"
#include "pki/scratch.h"
#include "pki/tokens.h"

#include <errno.h>
#include <setjmp.h>
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

static int add(struct registry *registry, const char *name, enum canary_kind kind,
               const char *topic)
{
    struct canary canary = { .kind = kind };

    (void)snprintf(canary.name, sizeof(canary.name), "%s", name);
    (void)snprintf(canary.topic, sizeof(canary.topic), "%s", topic);
    return canaries_add(registry, &canary, NULL);
}

static void add_device(struct registry *registry, const char *name, unsigned seed)
{
    const struct registry_entry entry = scratch_entry(name, seed);

    assert_int_equal(registry_add(registry, &entry, NULL), 0);
}

static void add_account(struct registry *registry, const char *name)
{
    struct account account = { .role = "device", .status = REGISTRY_ACTIVE };

    (void)snprintf(account.name, sizeof(account.name), "%s", name);
    assert_int_equal(accounts_add(registry, &account, NULL), 0);
}

static bool is_canary(struct registry *registry, const char *name)
{
    struct registry_view *view;

    assert_int_equal(registry_view_new(registry, &view, NULL), 0);
    const struct registry_view_entry *entry = registry_view_find(view, span_of(name));
    assert_non_null(entry);
    bool result = entry->is_canary;
    registry_view_unref(view);
    return result;
}

static void what_is_marked_is_known_to_be(void **state)
{
    struct registry *registry = open_in(*state);
    struct account_view *accounts;
    struct canary found;

    assert_int_equal(add(registry, "trap", CANARY_DEVICE, ""), 0);
    assert_int_equal(add(registry, "clerk", CANARY_ACCOUNT, ""), 0);
    assert_int_equal(add(registry, "lamp", CANARY_TOPIC, "fleet/admin/backup"), 0);
    add_device(registry, "trap", 1);
    add_device(registry, "lamp", 2);
    add_account(registry, "clerk");
    add_account(registry, "honest");
    assert_true(is_canary(registry, "trap"));
    assert_false(is_canary(registry, "lamp")); /* a decoy of that name is no device */
    assert_int_equal(account_view_new(registry, &accounts, NULL), 0);
    assert_true(account_view_find(accounts, span_of("clerk"))->is_canary);
    assert_false(account_view_find(accounts, span_of("honest"))->is_canary);
    account_view_unref(accounts);
    assert_int_equal(canaries_find(registry, "lamp", &found, NULL), 0);
    assert_int_equal(found.kind, CANARY_TOPIC);
    assert_string_equal(found.topic, "fleet/admin/backup");
    assert_true(found.created_s > 0);
    assert_int_equal(canaries_find(registry, "honest", &found, NULL), -ENOENT);
    registry_close(registry);
}

static void nobody_real_becomes_one(void **state)
{
    struct registry *registry = open_in(*state);
    struct token token = { .kind = IDENTITY_DEVICE, .name = "awaited", .role = "device" };
    char text[TOKEN_TEXT_SIZE];

    token.expires_s = 1000 + TOKENS_LIFE_S;
    add_device(registry, "lamp", 1);
    add_account(registry, "clerk");
    assert_int_equal(tokens_create(registry, &token, 1000, text, NULL), 0);
    assert_int_equal(add(registry, "lamp", CANARY_DEVICE, ""), -EEXIST);
    assert_int_equal(add(registry, "clerk", CANARY_ACCOUNT, ""), -EEXIST);
    assert_int_equal(add(registry, "awaited", CANARY_TOKEN, ""), -EEXIST);
    assert_int_equal(add(registry, "trap", CANARY_DEVICE, ""), 0);
    assert_int_equal(add(registry, "trap", CANARY_TOPIC, "a"), -EEXIST);
    registry_close(registry);
}

static void a_mark_goes_with_what_it_marks(void **state)
{
    struct registry *registry = open_in(*state);
    struct registry_entry entry;
    struct account account;

    assert_int_equal(add(registry, "trap", CANARY_DEVICE, ""), 0);
    assert_int_equal(add(registry, "clerk", CANARY_ACCOUNT, ""), 0);
    add_device(registry, "trap", 1);
    add_account(registry, "clerk");
    /* Whoever takes away the mark alone is refused. */
    assert_int_not_equal(
        sqlite3_exec(registry->db, "DELETE FROM canary WHERE name = 'trap'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_not_equal(
        sqlite3_exec(registry->db, "DELETE FROM canary WHERE name = 'clerk'", NULL, NULL, NULL),
        SQLITE_OK);
    assert_true(is_canary(registry, "trap"));
    assert_int_equal(canaries_remove(registry, "trap", NULL), 0);
    assert_int_equal(registry_find(registry, "trap", &entry, NULL), 0);
    assert_int_equal(entry.status, REGISTRY_REVOKED);
    assert_int_equal(canaries_remove(registry, "clerk", NULL), 0);
    assert_int_equal(accounts_find(registry, "clerk", &account, NULL), -ENOENT);
    assert_int_equal(canaries_remove(registry, "trap", NULL), -ENOENT);
    registry_close(registry);
}

static void a_mark_follows_a_new_name(void **state)
{
    struct registry *registry = open_in(*state);

    assert_int_equal(add(registry, "trap", CANARY_DEVICE, ""), 0);
    add_device(registry, "trap", 1);
    assert_int_equal(registry_rename(registry, "trap", "snare", NULL), 0);
    assert_true(is_canary(registry, "snare"));
    registry_close(registry);
}

static void what_cannot_be_one_is_refused(void **state)
{
    static const char *const bad[] = { "",      "a/+",  "+",          "#",  "a#",
                                       "a/#/b", "a/b#", "$share/g/a", "/#x" };
    struct registry *registry = open_in(*state);

    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_int_equal(add(registry, "decoy", CANARY_TOPIC, bad[i]), -EINVAL);
    assert_int_equal(add(registry, "a b", CANARY_DEVICE, ""), -EINVAL);
    assert_int_equal(add(registry, "trap", CANARY_NONE, ""), -EINVAL);
    assert_string_equal(canaries_kind_text(CANARY_TOKEN), "token");
    assert_string_equal(canaries_kind_text(CANARY_KIND_COUNT), "none");
    registry_close(registry);
}

static uint64_t policy_version(struct registry *registry)
{
    uint64_t version = 0;

    assert_int_equal(registry_policy_version(registry, &version), 0);
    return version;
}

/* Routes remember whether their topic is a decoy. */
static void a_change_moves_the_policy(void **state)
{
    struct registry *registry = open_in(*state);
    uint64_t before = policy_version(registry);

    assert_int_equal(add(registry, "decoy", CANARY_TOPIC, "a"), 0);
    uint64_t added = policy_version(registry);
    assert_true(added > before);
    assert_int_equal(canaries_remove(registry, "decoy", NULL), 0);
    assert_true(policy_version(registry) > added);
    registry_close(registry);
}

static const char *topic_of(const struct canary_set *set, const char *topic)
{
    return canary_set_find_topic(set, span_of(topic));
}

static const char *filter_of(const struct canary_set *set, const char *filter)
{
    return canary_set_find_filter(set, span_of(filter));
}

static void decoys_are_found(void **state)
{
    struct registry *registry = open_in(*state);
    struct canary_set *set;

    assert_int_equal(add(registry, "one", CANARY_TOPIC, "fleet/admin/backup"), 0);
    assert_int_equal(add(registry, "all", CANARY_TOPIC, "vault/#"), 0);
    assert_int_equal(add(registry, "clerk", CANARY_ACCOUNT, ""), 0);
    assert_int_equal(canary_set_new(registry, &set, NULL), 0);
    assert_string_equal(canary_set_find_account(set, span_of("clerk")), "clerk");
    assert_null(canary_set_find_account(set, span_of("one")));
    assert_null(canary_set_find_account(set, span_of("")));
    assert_string_equal(topic_of(set, "fleet/admin/backup"), "one");
    assert_null(topic_of(set, "fleet/admin/backup/1"));
    assert_null(topic_of(set, "fleet/admin/backup2"));
    assert_null(topic_of(set, "fleet/admin"));
    assert_string_equal(topic_of(set, "vault"), "all");
    assert_string_equal(topic_of(set, "vault/a/b"), "all");
    assert_null(topic_of(set, "vaults"));
    assert_string_equal(filter_of(set, "fleet/admin/backup"), "one");
    assert_string_equal(filter_of(set, "fleet/admin/backup/#"), "one");
    assert_null(filter_of(set, "fleet/admin/backup/+"));
    assert_null(filter_of(set, "fleet/admin/+"));
    assert_null(filter_of(set, "fleet/#"));
    assert_null(filter_of(set, "#"));
    assert_string_equal(filter_of(set, "vault/+/x"), "all");
    assert_string_equal(filter_of(set, "vault/#"), "all");
    assert_null(filter_of(set, "+/a"));
    assert_null(filter_of(set, ""));
    assert_null(topic_of(NULL, "vault"));
    assert_null(filter_of(NULL, "vault"));
    assert_null(canary_set_find_account(NULL, span_of("clerk")));
    canary_set_unref(canary_set_ref(set));
    canary_set_unref(set);
    canary_set_unref(NULL);
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_make, scratch_remove)
        IN_SCRATCH(what_is_marked_is_known_to_be),
        IN_SCRATCH(nobody_real_becomes_one),
        IN_SCRATCH(a_mark_goes_with_what_it_marks),
        IN_SCRATCH(a_mark_follows_a_new_name),
        IN_SCRATCH(what_cannot_be_one_is_refused),
        IN_SCRATCH(a_change_moves_the_policy),
        IN_SCRATCH(decoys_are_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
