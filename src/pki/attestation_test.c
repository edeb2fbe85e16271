/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/attestation.h"

#include "pki/holds.h"
#include "pki/registry_life.h"
#include "pki/registry_sql.h"
#include "pki/registry_view.h"
#include "pki/scratch.h"
#include "pki/tokens.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S 1800000000

static const uint8_t some_tpm[REGISTRY_KEY_BYTES] = { 7 };
static const uint8_t other_tpm[REGISTRY_KEY_BYTES] = { 8 };

static struct registry *open_in(const struct scratch *scratch)
{
    struct registry *registry;
    char path[SCRATCH_PATH_SIZE];

    scratch_path(scratch, "registry.db", path);
    assert_int_equal(registry_open(path, &registry, NULL), 0);
    return registry;
}

static struct registry *with_lamp(const struct scratch *scratch, struct registry_entry *out)
{
    struct registry *registry = open_in(scratch);

    *out = scratch_entry("lamp", 1);
    assert_int_equal(registry_add(registry, out, NULL), 0);
    return registry;
}

static struct attestation proof_of(const struct registry_entry *entry)
{
    struct attestation proved = { .by = "ek-list", .since_s = NOW_S };

    memcpy(proved.key_sha256, entry->key_sha256, sizeof(proved.key_sha256));
    memcpy(proved.endorsement, some_tpm, sizeof(some_tpm));
    return proved;
}

static void change(struct registry *registry, const char *sql)
{
    assert_int_equal(sqlite3_exec(registry->db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static bool is_attested(struct registry *registry)
{
    struct registry_entry found;
    struct attestation proof;
    struct registry_view *view;

    assert_int_equal(registry_find(registry, "lamp", &found, NULL), 0);
    bool is = registry_is_attested(&found);
    assert_int_equal(attestation_find(registry, "lamp", &proof, NULL), is ? 0 : -ENOENT);
    assert_int_equal(registry_view_new(registry, &view, NULL), 0);
    assert_int_equal(registry_view_find(view, span_of("lamp"))->is_attested, is);
    registry_view_unref(view);
    return is;
}

static uint64_t policy_of(struct registry *registry)
{
    uint64_t version;

    assert_int_equal(registry_policy_version(registry, &version), 0);
    return version;
}

static void it_is_written_down(void **state)
{
    struct registry_entry lamp;
    struct registry *registry = with_lamp(*state, &lamp);
    const struct attestation proved = proof_of(&lamp);
    struct attestation found;
    uint64_t before = policy_of(registry);

    assert_false(is_attested(registry));
    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), 0);
    assert_true(is_attested(registry));
    assert_true(policy_of(registry) > before);
    assert_int_equal(attestation_find(registry, "lamp", &found, NULL), 0);
    assert_memory_equal(found.key_sha256, lamp.key_sha256, REGISTRY_KEY_BYTES);
    assert_memory_equal(found.endorsement, some_tpm, REGISTRY_KEY_BYTES);
    assert_string_equal(found.by, "ek-list");
    assert_int_equal(found.since_s, NOW_S);
    assert_int_equal(registry_find(registry, "lamp", &lamp, NULL), 0);
    assert_string_equal(lamp.protection, "tpm");
    registry_close(registry);
}

static void it_is_of_one_key(void **state)
{
    struct registry_entry lamp;
    struct registry *registry = with_lamp(*state, &lamp);
    struct attestation proved = proof_of(&lamp);
    const struct registry_entry like = scratch_entry("lamp", 9);
    struct registry_new_key next = { .certificate = like.certificate };

    memcpy(next.key_sha256, like.key_sha256, sizeof(next.key_sha256));
    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), 0);
    assert_int_equal(registry_rekey(registry, "lamp", &next, NULL), 0);
    assert_false(is_attested(registry));
    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), -EACCES);
    assert_int_equal(attestation_record(registry, "nobody", &proved, NULL), -EACCES);
    registry_close(registry);
}

static void it_ends_with_the_level(void **state)
{
    struct registry_entry lamp;
    struct registry *registry = with_lamp(*state, &lamp);
    const struct attestation proved = proof_of(&lamp);

    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), 0);
    uint64_t before = policy_of(registry);
    change(registry, "UPDATE identity SET protection = 'tpm'");
    assert_true(is_attested(registry));
    change(registry, "UPDATE identity SET protection = 'sealed'");
    assert_false(is_attested(registry));
    assert_true(policy_of(registry) > before);
    change(registry, "UPDATE identity SET protection = 'tpm'");
    assert_false(is_attested(registry));
    registry_close(registry);
}

static void not_of_who_is_out(void **state)
{
    struct registry_entry lamp;
    struct registry *registry = with_lamp(*state, &lamp);
    const struct attestation proved = proof_of(&lamp);

    assert_int_equal(holds_begin(registry, "lamp", "seen twice", NULL), 0);
    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), -EPERM);
    assert_int_equal(holds_end(registry, "lamp", NULL), 1);
    assert_int_equal(registry_set_status(registry, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), -EPERM);
    assert_false(is_attested(registry));
    registry_close(registry);
}

static void a_tpm_is_named(void **state)
{
    struct registry_entry lamp;
    struct registry *registry = with_lamp(*state, &lamp);
    uint8_t found[REGISTRY_KEY_BYTES];

    assert_int_equal(attestation_expected(registry, "lamp", found, NULL), -ENOENT);
    assert_int_equal(attestation_expect(registry, "lamp", some_tpm, NOW_S, NULL), 0);
    assert_int_equal(attestation_expect(registry, "lamp", other_tpm, NOW_S, NULL), 0);
    assert_int_equal(attestation_expected(registry, "lamp", found, NULL), 0);
    assert_memory_equal(found, other_tpm, sizeof(found));
    change(registry, "UPDATE identity SET name = 'torch'");
    assert_int_equal(attestation_expected(registry, "lamp", found, NULL), -ENOENT);
    assert_int_equal(attestation_expected(registry, "torch", found, NULL), 0);
    change(registry, "UPDATE endorsement SET key_sha256 = replace(key_sha256, '0', 'g')");
    assert_int_equal(attestation_expected(registry, "torch", found, NULL), -EBADMSG);
    change(registry, "DELETE FROM identity");
    assert_int_equal(attestation_expected(registry, "torch", found, NULL), -ENOENT);
    registry_close(registry);
}

/* With the token, or not at all; one without leaves what there was. */
static void a_token_names_a_tpm(void **state)
{
    struct registry *registry = open_in(*state);
    struct token token = { .kind = IDENTITY_DEVICE,
                           .name = "lamp",
                           .role = "device",
                           .expires_s = NOW_S + TOKENS_LIFE_S,
                           .endorsement = some_tpm };
    char text[TOKEN_TEXT_SIZE];
    uint8_t found[REGISTRY_KEY_BYTES];

    assert_int_equal(tokens_create(registry, &token, NOW_S, text, NULL), 0);
    assert_int_equal(attestation_expected(registry, "lamp", found, NULL), 0);
    assert_memory_equal(found, some_tpm, sizeof(found));
    token.endorsement = NULL;
    assert_int_equal(tokens_create(registry, &token, NOW_S, text, NULL), 0);
    assert_int_equal(attestation_expected(registry, "lamp", found, NULL), 0);
    token.endorsement = other_tpm;
    token.expires_s = NOW_S;
    assert_int_equal(tokens_create(registry, &token, NOW_S, text, NULL), -EINVAL);
    assert_int_equal(attestation_expected(registry, "lamp", found, NULL), 0);
    assert_memory_equal(found, some_tpm, sizeof(found));
    registry_close(registry);
}

/* As the release before this one left it. */
static void a_registry_of_schema_6(void **state)
{
    static const char back[] =
        "DROP TRIGGER attestation_changed; DROP TRIGGER key_ends_attestation;"
        "DROP TRIGGER level_ends_attestation;"
        "DROP TRIGGER endorsement_follows;"
        "DROP TRIGGER removal_ends_endorsement; DROP TABLE endorsement;"
        "ALTER TABLE identity DROP COLUMN attested;"
        "ALTER TABLE identity DROP COLUMN attested_by;"
        "ALTER TABLE identity DROP COLUMN attested_at;"
        "ALTER TABLE hold DROP COLUMN kind; ALTER TABLE hold DROP COLUMN until;"
        "UPDATE identity SET protection = 'tpm'; PRAGMA user_version = 6";
    struct registry_entry lamp;
    struct registry *registry = with_lamp(*state, &lamp);
    const struct attestation proved = proof_of(&lamp);

    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), 0);
    change(registry, back);
    registry_close(registry);
    registry = open_in(*state);
    assert_false(is_attested(registry));
    assert_int_equal(attestation_record(registry, "lamp", &proved, NULL), 0);
    assert_true(is_attested(registry));
    registry_close(registry);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_written_down),     TEST(it_is_of_one_key), TEST(it_ends_with_the_level),
        TEST(not_of_who_is_out),      TEST(a_tpm_is_named),   TEST(a_token_names_a_tpm),
        TEST(a_registry_of_schema_6),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
