/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/accounts.h"

#include "pki/account_view.h"
#include "pki/registry_life.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct registry *open_scratch(void **state)
{
    char path[SCRATCH_PATH_SIZE];
    struct registry *registry;

    scratch_clear(*state);
    scratch_path(*state, "registry.db", path);
    assert_int_equal(registry_open(path, &registry, NULL), 0);
    return registry;
}

static struct account account_of(const char *name, const char *password)
{
    struct account account = { .role = "guest", .tenant = "acme", .status = REGISTRY_ACTIVE };

    (void)snprintf(account.name, sizeof(account.name), "%s", name);
    assert_int_equal(accounts_make_secret(span_of(password), &account, NULL), 0);
    return account;
}

static void what_is_added_is_found(void **state)
{
    struct registry *registry = open_scratch(state);
    struct account account = account_of("anna", "secret");
    struct account found;

    assert_int_equal(accounts_add(registry, &account, NULL), 0);
    assert_int_equal(accounts_find(registry, "anna", &found, NULL), 0);
    assert_string_equal(found.role, "guest");
    assert_string_equal(found.tenant, "acme");
    assert_string_equal(found.verifier, account.verifier);
    assert_true(found.has_scram);
    assert_memory_equal(&found.scram, &account.scram, sizeof(found.scram));
    assert_int_equal(found.status, REGISTRY_ACTIVE);
    assert_int_equal(found.burnt_s, 0);
    assert_int_equal(accounts_find(registry, "Anna", &found, NULL), -ENOENT);
    assert_int_equal(accounts_add(registry, &account, NULL), -EEXIST);
    assert_int_equal(accounts_remove(registry, "anna", NULL), 0);
    assert_int_equal(accounts_remove(registry, "anna", NULL), -ENOENT);
    registry_close(registry);
}

static void a_name_is_a_devices_or_an_accounts(void **state)
{
    struct registry *registry = open_scratch(state);
    struct account account = account_of("lamp", "secret");
    struct registry_entry device = scratch_entry("lamp", 1);
    struct pki_fault fault = { "" };

    assert_int_equal(registry_add(registry, &device, NULL), 0);
    assert_int_equal(accounts_add(registry, &account, &fault), -EEXIST);
    assert_non_null(strstr(fault.text, "device"));
    account = account_of("anna", "secret");
    assert_int_equal(accounts_add(registry, &account, NULL), 0);
    device = scratch_entry("anna", 2);
    assert_int_equal(registry_add(registry, &device, &fault), -EEXIST);
    assert_non_null(strstr(fault.text, "account"));
    /* What was kept for a device under its former name is no account's either. */
    assert_int_equal(registry_rename(registry, "lamp", "torch", NULL), 0);
    account = account_of("lamp", "secret");
    assert_int_equal(accounts_add(registry, &account, &fault), -EEXIST);
    assert_non_null(strstr(fault.text, "'torch'"));
    assert_int_equal(registry_check_unused(registry, "lamp", NULL), -EEXIST);
    assert_int_equal(registry_check_unused(registry, "anna", NULL), -EEXIST);
    assert_int_equal(registry_check_unused(registry, "free", NULL), 0);
    registry_close(registry);
}

static void what_is_burnt_stays_so_until_it_is_changed(void **state)
{
    struct registry *registry = open_scratch(state);
    struct account account = account_of("anna", "secret");
    struct account found;
    uint64_t before;
    uint64_t after;

    assert_int_equal(accounts_add(registry, &account, NULL), 0);
    assert_int_equal(registry_policy_version(registry, &before), 0);
    assert_int_equal(accounts_burn(registry, "anna", "another", "192.0.2.1", NULL), 0);
    assert_int_equal(accounts_burn(registry, "anna", account.verifier, "192.0.2.1", NULL), 1);
    assert_int_equal(accounts_burn(registry, "anna", account.verifier, "192.0.2.2", NULL), 0);
    assert_int_equal(registry_policy_version(registry, &after), 0);
    assert_true(after > before);
    assert_int_equal(accounts_find(registry, "anna", &found, NULL), 0);
    assert_true(found.burnt_s > 0);
    assert_string_equal(found.burnt_from, "192.0.2.1");

    const struct account_secret better = { found.verifier, NULL };
    assert_int_equal(accounts_renew_secret(registry, "anna", found.verifier, &better, NULL), 0);
    assert_int_equal(accounts_find(registry, "anna", &found, NULL), 0);
    assert_true(found.burnt_s > 0);
    assert_false(found.has_scram);

    account = account_of("anna", "other");
    const struct account_secret secret = { account.verifier, &account.scram };
    assert_int_equal(accounts_set_secret(registry, "anna", &secret, NULL), 0);
    assert_int_equal(accounts_find(registry, "anna", &found, NULL), 0);
    assert_int_equal(found.burnt_s, 0);
    assert_string_equal(found.burnt_from, "");
    assert_int_equal(accounts_set_secret(registry, "nobody", &secret, NULL), -ENOENT);
    registry_close(registry);
}

static void what_cannot_be_an_account(void **state)
{
    struct registry *registry = open_scratch(state);
    struct account account = account_of("a b", "secret");

    assert_int_equal(accounts_add(registry, &account, NULL), -EINVAL);
    account = account_of("anna", "secret");
    account.role[0] = '\0';
    assert_int_equal(accounts_add(registry, &account, NULL), -EINVAL);
    account = account_of("anna", "secret");
    account.status = REGISTRY_RETIRED;
    assert_int_equal(accounts_add(registry, &account, NULL), -EINVAL);
    account = account_of("anna", "secret");
    (void)snprintf(account.verifier, sizeof(account.verifier), "secret");
    assert_int_equal(accounts_add(registry, &account, NULL), -EINVAL);
    registry_close(registry);
}

static void the_view_follows(void **state)
{
    struct registry *registry = open_scratch(state);
    struct account account = account_of("anna", "secret");
    struct account_view *view;
    const struct registry_place place = { "cook", "", "hall" };

    assert_int_equal(accounts_add(registry, &account, NULL), 0);
    assert_int_equal(account_view_new(registry, &view, NULL), 0);
    const struct account_view_entry *entry = account_view_find(view, span_of("anna"));
    assert_non_null(entry);
    assert_string_equal(entry->role, "guest");
    assert_false(entry->is_burnt);
    uint64_t stamp = entry->stamp;
    account_view_unref(view);

    assert_int_equal(accounts_set_place(registry, "anna", &place, NULL), 0);
    assert_int_equal(accounts_set_status(registry, "anna", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(accounts_burn(registry, "anna", account.verifier, "192.0.2.1", NULL), 1);
    assert_int_equal(account_view_new(registry, &view, NULL), 0);
    entry = account_view_find(view, span_of("anna"));
    assert_string_equal(entry->role, "cook");
    assert_string_equal(entry->site, "hall");
    assert_int_equal(entry->status, REGISTRY_SUSPENDED);
    assert_true(entry->is_burnt);
    assert_true(entry->stamp == stamp);
    assert_null(account_view_find(view, span_of("berta")));
    assert_null(account_view_find(NULL, span_of("anna")));
    account_view_unref(view);
    registry_close(registry);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_added_is_found),
        cmocka_unit_test(a_name_is_a_devices_or_an_accounts),
        cmocka_unit_test(what_is_burnt_stays_so_until_it_is_changed),
        cmocka_unit_test(what_cannot_be_an_account),
        cmocka_unit_test(the_view_follows),
    };
    return cmocka_run_group_tests(tests, scratch_make, scratch_remove);
}
