/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_canary.h"

#include "config/testing.h"
#include "pki/canaries.h"
#include "pki/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DOMAIN "home.tacit"

static const char configuration[] =
    "role \"device\" { publish = { \"d/%{device}\" } }\n"
    "listener \"open\" { client-certificates = optional passwords = on }\n"
    "listener \"closed\" { port = 8884 client-certificates = required }\n";

struct world {
    struct registry *registry;
    struct registry_view *view;
    struct account_view *accounts;
    struct canary_set *canaries;
    struct config *config;
    struct admission_rules rules;
};

static void mark(struct world *world, const char *name, enum canary_kind kind)
{
    struct canary canary = { .kind = kind };

    (void)snprintf(canary.name, sizeof(canary.name), "%s", name);
    assert_int_equal(canaries_add(world->registry, &canary, NULL), 0);
}

static void add_device(struct world *world, const char *name, unsigned seed)
{
    const struct registry_entry entry = scratch_entry(name, seed);

    assert_int_equal(registry_add(world->registry, &entry, NULL), 0);
}

static void add_account(struct world *world, const char *name)
{
    struct account account = { .role = "device", .status = REGISTRY_ACTIVE };

    (void)snprintf(account.name, sizeof(account.name), "%s", name);
    assert_int_equal(accounts_add(world->registry, &account, NULL), 0);
}

/* "late" and "latecomer" come after the views are made. */
static void open_world(struct world *world, const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];

    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &world->registry, NULL), 0);
    mark(world, "trap", CANARY_DEVICE);
    mark(world, "clerk", CANARY_ACCOUNT);
    add_device(world, "trap", 1);
    add_device(world, "lamp", 2);
    add_account(world, "clerk");
    add_account(world, "anna");
    assert_int_equal(registry_view_new(world->registry, &world->view, NULL), 0);
    assert_int_equal(account_view_new(world->registry, &world->accounts, NULL), 0);
    assert_int_equal(canary_set_new(world->registry, &world->canaries, NULL), 0);
    mark(world, "late", CANARY_DEVICE);
    mark(world, "latecomer", CANARY_ACCOUNT);
    add_device(world, "late", 3);
    add_account(world, "latecomer");
    world->config = test_load_good(configuration, NULL);
    world->rules = (struct admission_rules){
        .config = world->config,
        .registry = world->view,
        .accounts = world->accounts,
        .canaries = world->canaries,
        .newcomers = world->registry,
        .trust_domain = DOMAIN,
        .logins = (struct logins *)world, /* is looked at for being there */
    };
}

static void close_world(struct world *world)
{
    config_unref(world->config);
    canary_set_unref(world->canaries);
    account_view_unref(world->accounts);
    registry_view_unref(world->view);
    registry_close(world->registry);
}

static const char *of_peer(struct world *world, const char *uri, unsigned seed)
{
    const struct registry_entry entry = scratch_entry("x", seed);
    const char *const uris[] = { uri };
    struct tls_peer peer = { .common_name = "", .uri_count = 1, .uris = uris };

    memcpy(peer.key_fingerprint, entry.key_sha256, sizeof(peer.key_fingerprint));
    return admission_canary_of_peer(&world->rules, &peer);
}

static void by_certificate(void **state)
{
    struct world world;

    open_world(&world, *state);
    assert_string_equal(of_peer(&world, "spiffe://" DOMAIN "/device/trap", 1), "trap");
    assert_null(of_peer(&world, "spiffe://" DOMAIN "/device/lamp", 2));
    /* An older certificate of it is bait as well. */
    assert_string_equal(of_peer(&world, "spiffe://" DOMAIN "/device/trap", 9), "trap");
    assert_string_equal(of_peer(&world, "spiffe://" DOMAIN "/device/late", 3), "late");
    assert_null(of_peer(&world, "spiffe://elsewhere.tacit/device/trap", 1));
    assert_null(of_peer(&world, "spiffe://" DOMAIN "/device/nobody", 1));
    close_world(&world);
}

static const char *of_connect(struct world *world, const char *listener, const void *bytes,
                              size_t len)
{
    const struct connection_facts facts = { .listener = listener, .address = "127.0.0.1:1" };

    return admission_canary_of_connect(&world->rules, &facts, (struct mqtt_span){ bytes, len });
}

#define OF(world, listener, text) of_connect(world, listener, text, sizeof(text) - 1)

static void by_user_name(void **state)
{
    static const char clerk[] = "\x10\x17\0\4MQTT\4\xc2\0\0\0\1x\0\5clerk\0\1p";
    static const char anna[] = "\x10\x16\0\4MQTT\4\xc2\0\0\0\1x\0\4anna\0\1p";
    static const char no_password[] = "\x10\x14\0\4MQTT\4\x82\0\0\0\1x\0\5clerk";
    static const char scram[] = "\x10\x39\0\4MQTT\5\2\0\0\x2b\x15\0\x0dSCRAM-SHA-256"
                                "\x16\0\x18n,,n=clerk,r=0123456789a\0\1x";
    struct world world;

    open_world(&world, *state);
    assert_string_equal(OF(&world, "open", clerk), "clerk");
    assert_null(OF(&world, "open", anna));
    assert_null(OF(&world, "open", no_password));
    assert_null(OF(&world, "closed", clerk));
    assert_null(OF(&world, "none", clerk));
    assert_string_equal(OF(&world, "open", scram), "clerk");
    for (size_t len = 0; len < sizeof(clerk) - 1; len++)
        assert_null(of_connect(&world, "open", clerk, len));
    world.rules.logins = NULL;
    assert_null(OF(&world, "open", clerk));
    close_world(&world);
}

/* Whatever the views say: no canary comes in for real. */
static void none_is_let_in_elsewhere(void **state)
{
    struct world world;

    open_world(&world, *state);
    assert_true(admission_canary_is_lost(&world.rules, "clerk"));
    assert_true(admission_canary_is_lost(&world.rules, "latecomer"));
    assert_false(admission_canary_is_lost(&world.rules, "anna"));
    assert_false(admission_canary_is_lost(&world.rules, "nobody"));
    world.rules.is_decoy = true;
    assert_false(admission_canary_is_lost(&world.rules, "clerk"));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(by_certificate, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(by_user_name, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(none_is_let_in_elsewhere, scratch_make, scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
