/* SPDX-License-Identifier: Apache-2.0 */
/* One-time tokens, and what can be had with them, with the certificate of before and with that of
 * a manufacturer. */
#include "pki/tokens.h"

#include "pki/enrolment.h"
#include "pki/issued.h"
#include "pki/key_lineage.h"
#include "pki/key_use.h"
#include "pki/registry_life.h"
#include "pki/registry_sql.h"
#include "pki/scratch.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW_S INT64_C(1800000000)
#define DAY_S 86400

struct bench {
    struct ca *ca;
    struct registry *registry;
    char path[SCRATCH_PATH_SIZE]; /* of the registry */
};

static struct bench set_up(const struct scratch *scratch)
{
    struct bench b;
    struct key *key;
    struct certificate *root;
    char path[SCRATCH_PATH_SIZE];
    char key_path[SCRATCH_PATH_SIZE];

    scratch_path(scratch, "ca.key", key_path);
    scratch_path(scratch, "ca.crt", path);
    assert_int_equal(key_load_or_create(key_path, &key, NULL), 0);
    assert_int_equal(ca_make_root(key, "td", NOW_S, &root, NULL), 0);
    assert_int_equal(certificate_save(root, path, NULL), 0);
    certificate_free(root);
    key_free(key);
    assert_int_equal(ca_open(path, key_path, &b.ca, NULL), 0);
    scratch_path(scratch, "registry.db", b.path);
    assert_int_equal(registry_open(b.path, &b.registry, NULL), 0);
    return b;
}

static void tear_down(struct bench *b)
{
    registry_close(b->registry);
    ca_close(b->ca);
}

static struct token token_for(const char *name)
{
    struct token token = { .role = "device", .expires_s = NOW_S + DAY_S };

    memcpy(token.name, name, strlen(name) + 1);
    return token;
}

/* The hash of a new token. */
static int create(struct bench *b, const struct token *wanted, uint8_t out[TOKEN_HASH_BYTES])
{
    char text[TOKEN_TEXT_SIZE];
    int error = tokens_create(b->registry, wanted, NOW_S, text, NULL);

    if (error == 0)
        assert_int_equal(token_text_hash(span_of(text), out), 0);
    return error;
}

static struct csr *request_of(const char *common_name)
{
    struct key *key;
    struct csr *csr;

    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, common_name, &csr, NULL), 0);
    key_free(key);
    return csr;
}

static int redeem_at(struct bench *b, const uint8_t *hash, const struct csr *csr, const char *name,
                     int64_t now_s)
{
    const struct enrolment_claim claim = {
        .csr = csr, .token_hash = hash, .name = name, .now_s = now_s
    };
    struct certificate *certificate;
    char who[IDENTITY_URI_NAME_SIZE];
    int error = enrolment_redeem(b->ca, b->registry, &claim, who, &certificate, NULL);

    if (error == 0)
        certificate_free(certificate);
    return error;
}

static int redeem(struct bench *b, const uint8_t *hash, const struct csr *csr)
{
    return redeem_at(b, hash, csr, NULL, NOW_S + 1);
}

static unsigned count_identities(struct registry *registry, const char *name)
{
    struct registry_entry entry;

    return registry_find(registry, name, &entry, NULL) == 0 ? 1 : 0;
}

static int count_one(void *context, const struct token *token)
{
    (void)token;
    ++*(unsigned *)context;
    return 0;
}

static unsigned count_tokens(struct bench *b, int64_t now_s)
{
    unsigned count = 0;

    assert_int_equal(tokens_list(b->registry, now_s, count_one, &count, NULL), 0);
    return count;
}

static void one_key_gets_in_once(void **state)
{
    struct bench b = set_up(*state);
    struct token wanted = token_for("lamp");
    struct csr *csr = request_of("lamp");
    struct csr *other = request_of("lamp");
    uint8_t hash[TOKEN_HASH_BYTES];

    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(count_tokens(&b, NOW_S), 1);
    assert_int_equal(redeem(&b, hash, csr), 0);
    assert_int_equal(count_tokens(&b, NOW_S), 0);
    /* The answer may have been lost. */
    assert_int_equal(redeem(&b, hash, csr), 0);
    assert_int_equal(redeem(&b, hash, other), -EALREADY);
    assert_int_equal(redeem_at(&b, hash, csr, NULL, NOW_S + DAY_S), -ETIME);
    csr_free(csr);
    csr_free(other);
    tear_down(&b);
}

static void what_a_token_does_not_allow(void **state)
{
    struct bench b = set_up(*state);
    struct token wanted = token_for("lamp");
    struct csr *csr = request_of("lamp");
    struct csr *admin = request_of("admin");
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t wrong[TOKEN_HASH_BYTES] = { 1 };

    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(redeem(&b, wrong, csr), -EACCES);
    assert_int_equal(redeem_at(&b, hash, csr, "other", NOW_S), -EINVAL);
    assert_int_equal(redeem(&b, hash, admin), -EINVAL);
    assert_int_equal(redeem_at(&b, hash, csr, "lamp", NOW_S + DAY_S), -ETIME);
    assert_int_equal(tokens_cancel(b.registry, "lamp", NULL), 1);
    assert_int_equal(redeem(&b, hash, csr), -EACCES);
    assert_int_equal(tokens_cancel(b.registry, "lamp", NULL), 0);
    assert_int_equal(count_identities(b.registry, "lamp"), 0);
    csr_free(csr);
    csr_free(admin);
    tear_down(&b);
}

static void what_a_token_cannot_be_made_for(void **state)
{
    struct bench b = set_up(*state);
    struct token wanted = token_for("lamp");
    uint8_t hash[TOKEN_HASH_BYTES];
    struct registry_entry entry = scratch_entry("there", 1);

    wanted.expires_s = NOW_S + 1;
    assert_int_equal(create(&b, &wanted, hash), -EINVAL);
    wanted.expires_s = NOW_S + INT64_C(2) * TOKENS_LIFE_MAX_S;
    assert_int_equal(create(&b, &wanted, hash), -EINVAL);
    wanted = token_for("a/b");
    assert_int_equal(create(&b, &wanted, hash), -EINVAL);
    wanted = token_for("there");
    wanted.replaces = true;
    assert_int_equal(create(&b, &wanted, hash), -ENOENT);
    assert_int_equal(registry_add(b.registry, &entry, NULL), 0);
    assert_int_equal(create(&b, &wanted, hash), 0);
    wanted.replaces = false;
    assert_int_equal(create(&b, &wanted, hash), -EEXIST);
    /* Out of use it loses what it had, and gets no other. */
    assert_int_equal(registry_set_status(b.registry, "there", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(count_tokens(&b, NOW_S), 0);
    wanted.replaces = true;
    assert_int_equal(create(&b, &wanted, hash), -EPERM);
    tear_down(&b);
}

static void another_key_for_a_name(void **state)
{
    struct bench b = set_up(*state);
    struct token wanted = token_for("lamp");
    struct csr *first = request_of("lamp");
    struct csr *second = request_of("lamp");
    struct csr *third = request_of("lamp");
    struct registry_entry entry;
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t key[KEY_SHA256_BYTES];

    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(redeem(&b, hash, first), 0);
    wanted.replaces = true;
    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(redeem(&b, hash, second), 0);
    assert_int_equal(redeem(&b, hash, second), 0);
    assert_int_equal(registry_find(b.registry, "lamp", &entry, NULL), 0);
    assert_int_equal(csr_key_sha256(second, key), 0);
    assert_memory_equal(entry.key_sha256, key, sizeof(key));

    /* Somebody else's key, of today or of before. */
    wanted = token_for("thief");
    assert_int_equal(create(&b, &wanted, hash), 0);
    struct csr *keys[] = { first, second };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(keys); i++)
        assert_int_equal(redeem_at(&b, hash, keys[i], "thief", NOW_S), -EINVAL);

    /* Revoked, it comes back with a key that nobody had. */
    assert_int_equal(registry_set_status(b.registry, "lamp", REGISTRY_REVOKED, NULL), 0);
    wanted = token_for("lamp");
    wanted.replaces = true;
    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(redeem(&b, hash, second), -EPERM);
    assert_int_equal(redeem(&b, hash, third), 0);
    assert_int_equal(registry_find(b.registry, "lamp", &entry, NULL), 0);
    assert_int_equal(entry.status, REGISTRY_ACTIVE);
    csr_free(first);
    csr_free(second);
    csr_free(third);
    tear_down(&b);
}

static void keys_of_others(void **state)
{
    struct bench b = set_up(*state);
    struct token wanted = token_for("lamp");
    struct key *key;
    struct csr *csr;
    struct csr *same;
    uint8_t hash[TOKEN_HASH_BYTES];
    char owner[IDENTITY_URI_NAME_SIZE];
    uint8_t sha256[KEY_SHA256_BYTES];

    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &csr, NULL), 0);
    assert_int_equal(csr_new(key, "thief", &same, NULL), 0);
    assert_int_equal(key_sha256(key, sha256), 0);
    assert_int_equal(key_use_find(b.registry, sha256, owner, NULL), -ENOENT);
    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(redeem(&b, hash, csr), 0);
    wanted = token_for("thief");
    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(redeem(&b, hash, same), -ENOTUNIQ);
    assert_int_equal(count_identities(b.registry, "thief"), 0);
    assert_int_equal(count_tokens(&b, NOW_S), 1);
    assert_int_equal(key_use_find(b.registry, sha256, owner, NULL), 0);
    assert_string_equal(owner, "lamp");
    key_free(key);
    csr_free(csr);
    csr_free(same);
    tear_down(&b);
}

/* In a process of its own: 0: got in; 1: somebody else did; 2: something else. */
static int race(const char *path, const uint8_t *hash, struct bench *b)
{
    struct bench own = { .ca = b->ca };
    struct csr *csr = request_of("lamp");

    if (registry_open(path, &own.registry, NULL) != 0)
        return 2;
    int error = redeem(&own, hash, csr);
    registry_close(own.registry);
    csr_free(csr);
    return error == 0 ? 0 : error == -EALREADY ? 1 : 2;
}

static void of_many_processes_one_gets_in(void **state)
{
    enum { PROCESSES = 8 };
    struct bench b = set_up(*state);
    struct token wanted = token_for("lamp");
    uint8_t hash[TOKEN_HASH_BYTES];
    pid_t children[PROCESSES];
    unsigned counts[3] = { 0 };

    assert_int_equal(create(&b, &wanted, hash), 0);
    registry_close(b.registry);
    b.registry = NULL;
    for (unsigned i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(race(b.path, hash, &b));
        assert_true(children[i] > 0);
    }
    for (unsigned i = 0; i < PROCESSES; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 3);
        counts[WEXITSTATUS(status)]++;
    }
    assert_int_equal(counts[0], 1);
    assert_int_equal(counts[1], PROCESSES - 1);
    tear_down(&b);
}

/* A certificate of the request, and its facts. */
static struct certificate_facts enrolled(struct bench *b, const char *name, const struct csr *csr)
{
    struct token wanted = token_for(name);
    uint8_t hash[TOKEN_HASH_BYTES];
    char who[IDENTITY_URI_NAME_SIZE];
    struct certificate *certificate;
    struct certificate_facts facts;

    assert_int_equal(create(b, &wanted, hash), 0);
    const struct enrolment_claim claim = { .csr = csr, .token_hash = hash, .now_s = NOW_S };
    assert_int_equal(enrolment_redeem(b->ca, b->registry, &claim, who, &certificate, NULL), 0);
    assert_string_equal(who, name);
    assert_int_equal(certificate_facts_of(certificate, &facts, NULL), 0);
    certificate_free(certificate);
    return facts;
}

static int renew(struct bench *b, const struct certificate_facts *shown, const struct csr *csr,
                 struct certificate_facts *out)
{
    const struct enrolment_holder holder = { .name = "lamp",
                                             .fingerprint = shown->registered.fingerprint,
                                             .key_sha256 = shown->key_sha256,
                                             .now_s = NOW_S + DAY_S };
    struct certificate *certificate;
    int error = enrolment_renew(b->ca, b->registry, csr, &holder, &certificate, NULL);

    if (error < 0)
        return error;
    assert_int_equal(certificate_facts_of(certificate, out, NULL), 0);
    certificate_free(certificate);
    return 0;
}

static void renewal(void **state)
{
    struct bench b = set_up(*state);
    struct csr *csr = request_of("lamp");
    struct csr *next = request_of("lamp");
    struct csr *other = request_of("lamp");
    struct certificate_facts first = enrolled(&b, "lamp", csr);
    struct certificate_facts later;
    struct issued issued;
    enum key_lineage lineage = KEY_LINEAGE_NONE;

    assert_int_equal(renew(&b, &first, csr, &later), 0);
    assert_int_equal(later.registered.not_after_s, first.registered.not_after_s + DAY_S);
    assert_int_equal(issued_find(b.registry, first.registered.fingerprint, &issued, NULL), 0);
    assert_string_equal(issued.name, "lamp");
    assert_int_equal(issued.revoked_s, 0);

    /* Another key; asked for again with the old one, as its answer was lost; not a third one. */
    assert_int_equal(renew(&b, &first, next, &later), 0);
    assert_int_equal(renew(&b, &first, next, &later), 0);
    assert_int_equal(renew(&b, &first, other, &later), -EACCES);
    assert_int_equal(renew(&b, &first, csr, &later), -EACCES);
    assert_int_equal(
        key_lineage_find(b.registry, "lamp", later.key_sha256, first.key_sha256, &lineage, NULL),
        0);
    assert_int_equal(lineage, KEY_LINEAGE_RENEWED);

    assert_int_equal(registry_set_status(b.registry, "lamp", REGISTRY_SUSPENDED, NULL), 0);
    assert_int_equal(renew(&b, &later, next, &first), -EPERM);
    csr_free(csr);
    csr_free(next);
    csr_free(other);
    tear_down(&b);
}

static int introduce(struct bench *b, const char *name, const uint8_t *mark, const struct csr *csr)
{
    const struct enrolment request = { .name = name, .role = "device", .now_s = NOW_S };
    struct certificate *certificate;
    int error = enrolment_introduce(b->ca, b->registry,
                                    &(struct enrolment_introduction){ csr, &request, mark },
                                    &certificate, NULL);

    if (error == 0)
        certificate_free(certificate);
    return error;
}

static void a_manufacturer_speaks_once_for_a_device(void **state)
{
    struct bench b = set_up(*state);
    struct csr *csr = request_of("sn7");
    struct csr *other = request_of("sn7");
    struct token wanted = token_for("taken");
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t mark[TOKEN_HASH_BYTES] = { 1 };
    uint8_t twin[TOKEN_HASH_BYTES] = { 2 };

    assert_int_equal(introduce(&b, "sn7", mark, csr), 0);
    assert_int_equal(introduce(&b, "sn7", mark, csr), 0);
    assert_int_equal(introduce(&b, "sn7", mark, other), -EALREADY);
    assert_int_equal(introduce(&b, "sn7", twin, other), -EEXIST);
    /* What was written down of it is no token that somebody could use, and stays for ever. */
    assert_int_equal(redeem(&b, mark, csr), -EACCES);
    assert_int_equal(create(&b, &wanted, hash), 0);
    assert_int_equal(introduce(&b, "sn7", mark, other), -EALREADY);
    csr_free(csr);
    csr_free(other);
    tear_down(&b);
}

/* What stands inside of another transaction is kept or not with that one. */
static void transactions_nest(void **state)
{
    struct bench b = set_up(*state);
    struct registry_entry entry = scratch_entry("a", 1);

    assert_int_equal(registry_begin(b.registry, NULL), 0);
    assert_int_equal(registry_begin(b.registry, NULL), 0);
    assert_int_equal(registry_add(b.registry, &entry, NULL), 0);
    assert_int_equal(registry_end(b.registry, 0, NULL), 0);
    assert_int_equal(registry_end(b.registry, -EIO, NULL), -EIO);
    assert_int_equal(count_identities(b.registry, "a"), 0);

    assert_int_equal(registry_begin(b.registry, NULL), 0);
    assert_int_equal(registry_add(b.registry, &entry, NULL), 0);
    assert_int_equal(registry_begin(b.registry, NULL), 0);
    assert_int_equal(registry_end(b.registry, -EPERM, NULL), -EPERM);
    assert_int_equal(registry_end(b.registry, 0, NULL), -ECANCELED);
    assert_int_equal(count_identities(b.registry, "a"), 0);

    assert_int_equal(registry_begin(b.registry, NULL), 0);
    assert_int_equal(registry_begin(b.registry, NULL), 0);
    assert_int_equal(registry_add(b.registry, &entry, NULL), 0);
    assert_int_equal(registry_end(b.registry, 0, NULL), 0);
    assert_int_equal(registry_end(b.registry, 0, NULL), 0);
    assert_int_equal(count_identities(b.registry, "a"), 1);
    tear_down(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_key_gets_in_once, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_a_token_does_not_allow, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(what_a_token_cannot_be_made_for, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(another_key_for_a_name, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(keys_of_others, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(of_many_processes_one_gets_in, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(transactions_nest, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(renewal, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_manufacturer_speaks_once_for_a_device, scratch_make,
                                        scratch_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
