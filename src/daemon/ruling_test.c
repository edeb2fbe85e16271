/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/ruling.h"

#include "config/testing.h"
#include "pki/registry_life.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static const char configuration[] = "role \"device\" { publish = { \"d/%{device}\" } }\n"
                                    "role \"guest\" { subscribe = { \"news/#\" }\n"
                                    "  wildcards { prefix = \"news/\" depth = 1 most-topics = 5 "
                                    "expires = \"2026-12-24T10:00:00Z\"\n"
                                    "    owner = \"olga\" reason = \"the fair\" } }\n"
                                    "listener \"all\" { }\n";
#define EXPIRY_S 1798106400

struct world {
    char folder[64];
    char path[96];
    struct registry *registry;
    struct config *config;
    struct ruling *ruling;
};

static void add(struct world *world, const char *name, uint8_t key)
{
    struct registry_entry entry = { .kind = IDENTITY_DEVICE, .status = REGISTRY_ACTIVE };

    snprintf(entry.name, sizeof(entry.name), "%s", name);
    snprintf(entry.role, sizeof(entry.role), "device");
    snprintf(entry.certificate.serial, sizeof(entry.certificate.serial), "%02X", key);
    entry.key_sha256[0] = key;
    entry.certificate.fingerprint[0] = key;
    entry.certificate.not_after_s = INT64_MAX / 2;
    assert_int_equal(registry_add(world->registry, &entry, NULL), 0);
}

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    assert_non_null(world);
    snprintf(world->folder, sizeof(world->folder), "/tmp/ruling-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    snprintf(world->path, sizeof(world->path), "%s/registry.db", world->folder);
    assert_int_equal(registry_open(world->path, &world->registry, NULL), 0);
    add(world, "lamp", 1);
    world->config = test_load_good(configuration, NULL);
    assert_int_equal(ruling_new(world->config,
                                &(struct rulebook_basis){ .registry = world->registry, .now_s = 1 },
                                NULL, &world->ruling, NULL),
                     0);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    static const char *const endings[] = { "", "-wal", "-shm" };
    struct world *world = *state;

    ruling_release(world->ruling, NULL, NULL);
    config_unref(world->config);
    registry_close(world->registry);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(endings); i++) {
        char path[128];
        snprintf(path, sizeof(path), "%s%s", world->path, endings[i]);
        unlink(path);
    }
    rmdir(world->folder);
    free(world);
    return 0;
}

/* What the world's ruling becomes; NULL: it stays. */
static struct ruling *renewed(struct world *world, int64_t now_s)
{
    struct ruling *made = world->ruling;
    const struct rulebook_basis basis = { .registry = world->registry, .now_s = now_s };

    assert_int_equal(ruling_renew(world->ruling, &basis, NULL, &made, NULL), 0);
    return made;
}

static void nothing_has_changed(void **state)
{
    assert_null(renewed(*state, 1));
    assert_null(renewed(*state, EXPIRY_S - 1));
}

/* Nobody's rights change with it, so that no session has to be judged again. */
static void a_device_more_is_a_new_view_only(void **state)
{
    struct world *world = *state;

    add(world, "other", 2);
    struct ruling *made = renewed(world, 1);
    assert_non_null(made);
    assert_ptr_equal(made->policy, world->ruling->policy);
    assert_ptr_equal(made->config, world->config);
    assert_non_null(registry_view_find(made->view, span_of("other")));
    assert_null(registry_view_find(world->ruling->view, span_of("other")));
    ruling_release(world->ruling, NULL, NULL);
    world->ruling = made;
    assert_null(renewed(world, 1));
}

static void a_status_is_a_new_policy(void **state)
{
    struct world *world = *state;

    assert_int_equal(registry_set_status(world->registry, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    struct ruling *made = renewed(world, 1);
    assert_non_null(made);
    assert_ptr_not_equal(made->policy, world->ruling->policy);
    assert_int_equal(registry_view_find(made->view, span_of("lamp"))->status, REGISTRY_SUSPENDED);
    assert_true(made->made_us >= world->ruling->made_us);
    ruling_release(world->ruling, NULL, NULL);
    world->ruling = made;
    assert_null(renewed(world, 1));
}

static void what_expires_is_gone(void **state)
{
    struct world *world = *state;

    assert_true(role_may_use_wildcards(policy_find_role(world->ruling->policy, "guest")));
    struct ruling *made = renewed(world, EXPIRY_S);
    assert_non_null(made);
    assert_ptr_equal(made->view, world->ruling->view);
    assert_false(role_may_use_wildcards(policy_find_role(made->policy, "guest")));
    ruling_release(world->ruling, NULL, NULL);
    world->ruling = made;
    assert_null(renewed(world, EXPIRY_S + 1));
}

static void patience_ends_with_the_next_grant(void **state)
{
    static const struct {
        int64_t wall_ms;
        uint64_t wait_ms;
    } rows[] = {
        { INT64_C(0), 200 },
        { EXPIRY_S * INT64_C(1000) - 201, 200 },
        { EXPIRY_S * INT64_C(1000) - 150, 150 },
        { EXPIRY_S * INT64_C(1000) - 1, 1 },
        { EXPIRY_S * INT64_C(1000), 1 },
        { EXPIRY_S * INT64_C(1000) + 5000, 1 },
    };
    struct world *world = *state;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_int_equal(ruling_patience_ms(world->ruling, rows[i].wall_ms, 200), rows[i].wait_ms);
}

static void there_may_be_no_registry(void **state)
{
    struct world *world = *state;
    struct ruling *ruling = NULL;
    struct ruling *made = world->ruling;

    assert_int_equal(
        ruling_new(world->config, &(struct rulebook_basis){ .now_s = 1 }, NULL, &ruling, NULL), 0);
    assert_null(ruling->view);
    assert_non_null(policy_find_role(ruling->policy, "device"));
    assert_int_equal(
        ruling_renew(ruling, &(struct rulebook_basis){ .now_s = 1 }, NULL, &made, NULL), 0);
    assert_null(made);
    ruling_release(ruling, NULL, NULL);
}

/* The last reference frees on the keeper's thread; the loop only hears that it is done. */
static void the_keeper_frees(void **state)
{
    struct world *world = *state;
    struct ruling *ruling = NULL;
    struct helpers *keeper = NULL;
    struct loop *loop = NULL;

    assert_int_equal(loop_open(&loop), 0);
    assert_int_equal(helpers_open(1, 4, &keeper), 0);
    assert_int_equal(
        ruling_new(world->config, &(struct rulebook_basis){ .now_s = 1 }, NULL, &ruling, NULL), 0);
    ruling_ref(ruling);
    ruling_release(ruling, keeper, loop);
    assert_int_equal(atomic_load(&ruling->references), 1);
    ruling_release(ruling, keeper, loop);
    ruling_release(NULL, keeper, loop);
    helpers_close(keeper);
    loop_deliver(loop);
    loop_close(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_has_changed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_device_more_is_a_new_view_only, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_status_is_a_new_policy, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_expires_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(patience_ends_with_the_next_grant, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_may_be_no_registry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_keeper_frees, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
