/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_key.h"

#include "config/rulebook.h"
#include "config/testing.h"
#include "net/facts.h"
#include "pki/attestation.h"
#include "pki/scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define DOMAIN "home.tacit"

static const char configuration[] = "role \"any\" { publish = { \"d\" } }\n"
                                    "role \"sealed\" { require-key = sealed }\n"
                                    "role \"pkcs11\" { require-key = pkcs11 }\n"
                                    "role \"tpm\" { require-key = tpm }\n"
                                    "role \"proved\" { require-key = attested-tpm }\n";

static const char *const levels[] = { "unknown", "plain", "sealed", "pkcs11", "tpm", "proved" };

#define LEVELS MQTT_ARRAY_LEN(levels)

/* From which of the levels on a role of that name is content. */
static const struct {
    const char *role;
    size_t from;
} roles[] = { { "any", 0 }, { "sealed", 2 }, { "pkcs11", 3 }, { "tpm", 4 }, { "proved", 5 } };

struct world {
    struct registry *registry;
    struct registry_view *view;
    struct config *config;
    struct policy *policy;
    struct admission_rules rules;
};

/* A device for each level, called as it, its key made of its number. */
static void add(struct world *world, size_t level)
{
    struct registry_entry entry = scratch_entry(levels[level], (unsigned)level + 1);

    bool is_proved = strcmp(levels[level], "proved") == 0;
    struct attestation proof = { .by = "ek-list", .since_s = 1 };

    (void)snprintf(entry.protection, sizeof(entry.protection), "%s",
                   is_proved ? "tpm" : levels[level]);
    assert_int_equal(registry_add(world->registry, &entry, NULL), 0);
    memcpy(proof.key_sha256, entry.key_sha256, sizeof(proof.key_sha256));
    if (is_proved)
        assert_int_equal(attestation_record(world->registry, entry.name, &proof, NULL), 0);
}

/* With `is_late` the devices come after the view was made. */
static void open_world(struct world *world, const struct scratch *scratch, bool is_late)
{
    char path[SCRATCH_PATH_SIZE];

    scratch_clear(scratch);
    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &world->registry, NULL), 0);
    for (size_t i = 0; !is_late && i < LEVELS; i++)
        add(world, i);
    assert_int_equal(registry_view_new(world->registry, &world->view, NULL), 0);
    for (size_t i = 0; is_late && i < LEVELS; i++)
        add(world, i);
    world->config = test_load_good(configuration, NULL);
    const struct rulebook_basis basis = { .registry = world->registry, .now_s = 1 };
    assert_int_equal(rulebook_build(world->config, &basis, NULL, &world->policy, NULL), 0);
    world->rules = (struct admission_rules){ .config = world->config,
                                             .policy = world->policy,
                                             .registry = world->view,
                                             .newcomers = world->registry,
                                             .trust_domain = DOMAIN };
}

static void close_world(struct world *world)
{
    policy_unref(world->policy);
    config_unref(world->config);
    registry_view_unref(world->view);
    registry_close(world->registry);
}

static const struct role *role_of(const struct world *world, const char *name)
{
    const struct identity identity = { .device = "x", .role = name, .proved = true };
    const struct role *role = policy_find(world->policy, &identity);

    assert_non_null(role);
    return role;
}

/* `name` NULL: without a certificate. */
static bool is_let_in(struct world *world, const char *name, unsigned seed, const struct role *role)
{
    char uri[64];
    const char *const uris[] = { uri };
    const struct registry_entry entry = scratch_entry("x", seed);
    struct tls_peer peer = { .common_name = "", .uri_count = 1, .uris = uris };
    const struct connection_facts facts = { .address = "127.0.0.1:1",
                                            .peer = name != NULL ? &peer : NULL };
    struct admission_answer answer = { .role = role };

    (void)snprintf(uri, sizeof(uri), "spiffe://" DOMAIN "/device/%s", name != NULL ? name : "");
    memcpy(peer.key_fingerprint, entry.key_sha256, sizeof(peer.key_fingerprint));
    enum admission verdict =
        admission_key_check(&world->rules, &(struct admission_request){ .facts = &facts }, &answer);
    if (verdict == ADMISSION_ALLOW)
        return true;
    assert_int_equal(verdict, ADMISSION_REFUSE);
    assert_int_equal(answer.reason, MQTT_NOT_AUTHORIZED);
    assert_non_null(strstr(answer.reason_text, "the role asks for a key"));
    return false;
}

static bool is_barred(struct world *world, const char *name, const struct role *role)
{
    const struct identity identity = { .device = name, .proved = true };
    struct standing standing = { .role = role };

    admission_key_check_standing(&world->rules, &identity, &standing);
    return standing.barred != NULL;
}

static void try_all(void **state, bool is_late)
{
    struct world world;

    open_world(&world, *state, is_late);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(roles); i++) {
        const struct role *role = role_of(&world, roles[i].role);
        for (size_t level = 0; level < LEVELS; level++) {
            bool is_enough = level >= roles[i].from;
            assert_int_equal(is_let_in(&world, levels[level], (unsigned)level + 1, role),
                             is_enough);
            assert_int_equal(is_barred(&world, levels[level], role), !is_enough);
        }
    }
    close_world(&world);
}

static void every_role_and_every_level(void **state)
{
    try_all(state, false);
}

static void those_that_the_view_does_not_know_yet(void **state)
{
    try_all(state, true);
}

/* The same key, sealed or proved a moment ago; not another key of that name. */
static void a_level_that_rose_a_moment_ago(void **state)
{
    struct world world;
    struct registry_entry entry = scratch_entry("tpm", 5);
    struct attestation proof = { .by = "ek-list", .since_s = 1 };

    open_world(&world, *state, false);
    const struct role *role = role_of(&world, "proved");
    assert_false(is_let_in(&world, "tpm", 5, role));
    memcpy(proof.key_sha256, entry.key_sha256, sizeof(proof.key_sha256));
    assert_int_equal(attestation_record(world.registry, "tpm", &proof, NULL), 0);
    assert_true(is_let_in(&world, "tpm", 5, role));
    assert_false(is_barred(&world, "tpm", role));
    close_world(&world);
}

/* Without a certificate of ours there is no key whose level is known. */
static void those_without_a_key(void **state)
{
    struct world world;

    open_world(&world, *state, false);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(roles); i++) {
        const struct role *role = role_of(&world, roles[i].role);
        bool asks = roles[i].from > 0;
        assert_int_equal(is_let_in(&world, NULL, 0, role), !asks);
        assert_int_equal(is_let_in(&world, "nobody", 9, role), !asks);
        assert_int_equal(is_barred(&world, "nobody", role), asks);
        assert_int_equal(is_barred(&world, NULL, role), asks);
    }
    assert_true(is_let_in(&world, NULL, 0, NULL));
    assert_false(is_barred(&world, NULL, NULL));
    close_world(&world);
}

/* A decoy lets in whoever is to be watched, and what was said before stays said. */
static void decoys_and_those_barred_already(void **state)
{
    struct world world;
    struct standing standing = { .barred = "it has been revoked" };

    open_world(&world, *state, false);
    standing.role = role_of(&world, "tpm");
    admission_key_check_standing(&world.rules, &(struct identity){ .device = "plain" }, &standing);
    assert_string_equal(standing.barred, "it has been revoked");
    world.rules.is_decoy = true;
    assert_true(is_let_in(&world, "plain", 2, standing.role));
    assert_false(is_barred(&world, "plain", standing.role));
    close_world(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_role_and_every_level, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(those_that_the_view_does_not_know_yet, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(a_level_that_rose_a_moment_ago, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(those_without_a_key, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(decoys_and_those_barred_already, scratch_make,
                                        scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
