/* SPDX-License-Identifier: Apache-2.0 */
/* Each refusal. */
#include "steward/warrant.h"

#include "pki/crl.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define NOW   INT64_C(1000000)
#define LATER (NOW + 1000)
#define HOLD  REGISTRY_REASON_CERTIFICATE_HOLD
#define THEFT REGISTRY_REASON_KEY_COMPROMISE
#define NONE            \
    {                   \
        "", THEFT, 0, 0 \
    }

struct row {
    const char *name;
    struct crl_entry before; /* no serial: none */
    struct crl_entry next[2];
    int status;
};

static void fill(struct crl_entries *entries, const struct crl_entry *all, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (all[i].serial[0] != '\0')
            assert_int_equal(crl_entries_add(entries, &all[i]), 0);
    }
}

static void revocations(void **state)
{
    static const struct row rows[] = {
        { "the first", NONE, { { "01", THEFT, NOW, LATER } }, 0 },
        { "the same", { "01", THEFT, NOW, LATER }, { { "01", THEFT, NOW, LATER } }, 0 },
        { "one more, in any order",
          { "05", THEFT, NOW, LATER },
          { { "05", THEFT, NOW, LATER }, { "02", HOLD, NOW, LATER } },
          0 },
        { "a better reason", { "01", 0, NOW, LATER }, { { "01", THEFT, NOW, LATER } }, 0 },
        { "twice", NONE, { { "01", THEFT, NOW, LATER }, { "01", THEFT, NOW, LATER } }, -EPERM },
        { "gone", { "01", THEFT, NOW, LATER }, { NONE }, -EPERM },
        { "another instead", { "01", THEFT, NOW, LATER }, { { "02", THEFT, NOW, LATER } }, -EPERM },
        { "gone and expired just now", { "01", THEFT, NOW, NOW - 1 }, { NONE }, -EPERM },
        { "gone and expired long ago", { "01", THEFT, NOW, NOW - CRL_KEEP_S - 1 }, { NONE }, 0 },
        { "gone from hold", { "01", HOLD, NOW, LATER }, { NONE }, 0 },
        { "on hold, then for good",
          { "01", HOLD, NOW, LATER },
          { { "01", THEFT, LATER, LATER } },
          0 },
        { "for good, then on hold",
          { "01", THEFT, NOW, LATER },
          { { "01", HOLD, NOW, LATER } },
          -EPERM },
        { "since later", { "01", THEFT, NOW, LATER }, { { "01", THEFT, NOW + 1, LATER } }, -EPERM },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct crl_entries before = { .number = 7 };
        struct crl_entries next = { .number = 8 };
        fill(&before, &rows[i].before, 1);
        fill(&next, rows[i].next, 2);
        int status = warrant_list(&before, &next, NOW, NULL);
        if (status != rows[i].status)
            print_error("%s\n", rows[i].name);
        assert_int_equal(status, rows[i].status);
        crl_entries_fini(&before);
        crl_entries_fini(&next);
    }
}

/* Who says that it expires today what was said to expire tomorrow gains nothing by it. */
static void the_first_word_counts(void **state)
{
    const struct crl_entry one = { "01", THEFT, NOW, LATER };
    const struct crl_entry lie = { "01", THEFT, NOW, 0 };
    struct crl_entries before = { .number = 7 };
    struct crl_entries next = { .number = 8 };
    struct crl_entries last = { .number = 9 };

    (void)state;
    fill(&before, &one, 1);
    fill(&next, &lie, 1);
    assert_int_equal(warrant_list(&before, &next, NOW, NULL), 0);
    assert_int_equal(warrant_list(&next, &last, NOW, NULL), -EPERM);
    crl_entries_fini(&before);
    crl_entries_fini(&next);
}

static void numbers(void **state)
{
    const struct crl_entries before = { .number = 7 };
    const struct crl_entries used_up = { .number = UINT64_MAX };
    struct crl_entries next = { .number = 7 };

    (void)state;
    assert_int_equal(warrant_list(&before, &next, NOW, NULL), 0);
    assert_int_equal(next.number, 8);
    next.number = 0;
    assert_int_equal(warrant_list(&before, &next, NOW, NULL), 0);
    assert_int_equal(next.number, 8);
    next.number = 100;
    assert_int_equal(warrant_list(&before, &next, NOW, NULL), 0);
    assert_int_equal(next.number, 100);
    assert_int_equal(warrant_list(&used_up, &next, NOW, NULL), -EPERM);
    next.number = UINT64_MAX;
    assert_int_equal(warrant_list(&before, &next, NOW, NULL), -EPERM);
}

static struct ca *make_ca(int64_t now_s, uint8_t out_key[KEY_SHA256_BYTES], struct csr **out_csr)
{
    struct key *key;
    struct certificate *root;
    struct ca *ca;

    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(key_sha256(key, out_key), 0);
    assert_int_equal(csr_new(key, "lamp", out_csr, NULL), 0);
    assert_int_equal(ca_make_root(key, NULL, now_s, &root, NULL), 0);
    assert_int_equal(ca_new(root, key, &ca, NULL), 0);
    return ca;
}

static void keys_of_the_ca(void **state)
{
    uint8_t keys[2][KEY_SHA256_BYTES];
    struct csr *csrs[2];
    struct ca *one = make_ca((int64_t)time(NULL), keys[0], &csrs[0]);
    struct ca *other = make_ca((int64_t)time(NULL), keys[1], &csrs[1]);

    (void)state;
    assert_int_equal(warrant_issue(csrs[1], keys[0], 1, NULL), 0);
    assert_int_equal(warrant_issue(csrs[0], keys[0], 1, NULL), -EPERM);
    assert_int_equal(warrant_issue(csrs[1], keys[0], 2, NULL), -EPERM);
    csr_free(csrs[0]);
    csr_free(csrs[1]);
    ca_close(one);
    ca_close(other);
}

static void statements(void **state)
{
    int64_t now_s = (int64_t)time(NULL);
    uint8_t keys[2][KEY_SHA256_BYTES];
    struct csr *csrs[2];
    struct ca *ca = make_ca(now_s, keys[0], &csrs[0]);
    struct ca *other = make_ca(now_s, keys[1], &csrs[1]);
    struct key *key;
    struct certificate *server;
    struct certificate *device;

    (void)state;
    assert_int_equal(key_generate(&key, NULL), 0);
    const struct ca_server_request wanted = { .key = key, .now_s = now_s };
    const struct ca_identity_request named = { .csr = csrs[1], .name = "lamp", .now_s = now_s };
    assert_int_equal(ca_issue_server(ca, &wanted, &server, NULL), 0);
    assert_int_equal(ca_issue_identity(ca, &named, &device, NULL), 0);
    assert_int_equal(warrant_vouch(server, ca, now_s, NULL), 0);
    assert_int_equal(warrant_vouch(server, other, now_s, NULL), -EPERM);
    assert_int_equal(warrant_vouch(server, ca, now_s + INT64_C(86400) * CA_SERVER_DAYS * 2, NULL),
                     -EPERM);
    assert_int_equal(warrant_vouch(device, ca, now_s, NULL), -EPERM);
    assert_int_equal(warrant_vouch(ca_certificate(ca), ca, now_s, NULL), -EPERM);
    certificate_free(server);
    certificate_free(device);
    key_free(key);
    csr_free(csrs[0]);
    csr_free(csrs[1]);
    ca_close(ca);
    ca_close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(revocations), cmocka_unit_test(the_first_word_counts),
        cmocka_unit_test(numbers),     cmocka_unit_test(keys_of_the_ca),
        cmocka_unit_test(statements),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
