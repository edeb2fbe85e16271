/* SPDX-License-Identifier: Apache-2.0 */
/* Two tiers, the change to the next CA, sealed keys; and every way in which these can be cut
 * short. */
#include "pki/state_ca.h"

#include "pki/crash.h"
#include "pki/enrolment.h"
#include "pki/private_file.h"
#include "pki/scratch.h"
#include "pki/state.h"

#include <errno.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define DAY_S  INT64_C(86400)
#define SECRET "correct horse battery"

static char *folder_of(void **state)
{
    struct scratch *scratch = *state;
    return scratch->folder;
}

static const char *place(const char *dir, enum state_file file)
{
    static char path[STATE_FILE_COUNT][STATE_PATH_SIZE];
    assert_int_equal(state_path(dir, file, path[file]), 0);
    return path[file];
}

static void prepare(const char *dir, const struct state_options *options, struct state_made *out)
{
    struct pki_fault fault = { 0 };
    int error = state_prepare(dir, options, out, &fault);
    if (error != 0)
        fail_msg("%d: %s", error, fault.text);
}

static struct certificate_list load_list(const char *dir, enum state_file file)
{
    struct certificate_list list;
    assert_int_equal(certificate_list_load(place(dir, file), &list, NULL), 0);
    return list;
}

/* As the folders of before were made: one tier. */
static void make_old_folder(const char *dir)
{
    struct key *key;
    struct key *server_key;
    struct certificate *root;
    struct certificate *server;
    struct ca *ca;
    bool made;
    static const char *const inner[] = { "ca", "server", "admin", "store" };
    char path[STATE_PATH_SIZE];
    for (size_t i = 0; i < MQTT_ARRAY_LEN(inner); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", dir, inner[i]);
        assert_int_equal(private_file_make_dir(path, &made), 0);
    }
    int64_t now_s = (int64_t)time(NULL);
    assert_int_equal(key_load_or_create(place(dir, STATE_CA_KEY), &key, NULL), 0);
    assert_int_equal(ca_make_root(key, "old.example", now_s, &root, NULL), 0);
    assert_int_equal(certificate_save(root, place(dir, STATE_CA_CERTIFICATE), NULL), 0);
    assert_int_equal(ca_open(place(dir, STATE_CA_CERTIFICATE), place(dir, STATE_CA_KEY), &ca, NULL),
                     0);
    assert_int_equal(key_load_or_create(place(dir, STATE_SERVER_KEY), &server_key, NULL), 0);
    assert_int_equal(
        ca_issue_server(ca, &(struct ca_server_request){ .key = server_key, .now_s = now_s },
                        &server, NULL),
        0);
    assert_int_equal(certificate_save(server, place(dir, STATE_SERVER_CERTIFICATE), NULL), 0);
    certificate_free(server);
    key_free(server_key);
    ca_close(ca);
    certificate_free(root);
    key_free(key);
}

/* A certificate for a new key by whoever signs in the folder now. */
static struct certificate *issue(const char *dir, const struct ca_access *access, const char *name)
{
    struct ca *ca;
    struct key *key;
    struct csr *csr;
    struct certificate *certificate;
    struct pki_fault fault = { 0 };
    int error = state_ca_open(dir, access, &ca, &fault);
    if (error != 0)
        fail_msg("%d: %s", error, fault.text);
    assert_int_equal(key_generate_as(KEY_ED25519, &key, NULL), 0);
    assert_int_equal(csr_new(key, name, &csr, NULL), 0);
    assert_int_equal(ca_issue_identity(ca,
                                       &(struct ca_identity_request){
                                           .csr = csr, .name = name, .now_s = (int64_t)time(NULL) },
                                       &certificate, NULL),
                     0);
    csr_free(csr);
    key_free(key);
    ca_close(ca);
    return certificate;
}

/* As a peer would that trusts `anchors`, and was sent `sent` after the first certificate. */
static int verify(const struct certificate_list *anchors, const struct certificate_list *sent,
                  int purpose, unsigned long flags)
{
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    STACK_OF(X509) *chain = sk_X509_new_null();
    for (size_t i = 0; i < anchors->count; i++)
        assert_int_equal(X509_STORE_add_cert(store, certificate_handle(anchors->all[i])), 1);
    for (size_t i = 1; i < sent->count; i++)
        assert_true(sk_X509_push(chain, certificate_handle(sent->all[i])) > 0);
    assert_int_equal(X509_STORE_CTX_init(context, store, certificate_handle(sent->all[0]), chain),
                     1);
    X509_VERIFY_PARAM *parameters = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT | flags);
    assert_int_equal(X509_VERIFY_PARAM_set_purpose(parameters, purpose), 1);
    (void)X509_verify_cert(context);
    int verdict = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    sk_X509_free(chain);
    return verdict;
}

/* Does tacitd with this folder let the certificate in? */
static bool is_let_in(const char *dir, struct certificate *certificate)
{
    struct certificate_list anchors = load_list(dir, STATE_CA_CERTIFICATE);
    const struct certificate_list sent = { 1, { certificate } };
    int verdict = verify(&anchors, &sent, X509_PURPOSE_SSL_CLIENT, X509_V_FLAG_PARTIAL_CHAIN);
    certificate_list_fini(&anchors);
    return verdict == X509_V_OK;
}

/* Does a device that trusts the root accept what the server sends? */
static bool is_believed(const char *dir)
{
    struct certificate_list root = { 0 };
    struct certificate *certificate;
    struct certificate_list sent = load_list(dir, STATE_SERVER_CERTIFICATE);
    assert_int_equal(state_ca_root(dir, &certificate, NULL), 0);
    assert_int_equal(certificate_list_add(&root, certificate), 0);
    int verdict = verify(&root, &sent, X509_PURPOSE_SSL_SERVER, 0);
    certificate_list_fini(&root);
    certificate_list_fini(&sent);
    return verdict == X509_V_OK;
}

static void a_new_folder_has_two_tiers(void **state)
{
    const char *dir = folder_of(state);
    struct state_made made;
    struct certificate *root;
    struct state_ca_keys keys;
    struct certificate_facts facts;
    prepare(dir, NULL, &made);
    struct certificate_list issuing = load_list(dir, STATE_CA_CERTIFICATE);
    struct certificate_list sent = load_list(dir, STATE_SERVER_CERTIFICATE);
    assert_int_equal(state_ca_root(dir, &root, NULL), 0);
    assert_true(certificate_is_self_signed(root));
    assert_int_equal(X509_get_pathlen(certificate_handle(root)), 1);
    assert_int_equal(issuing.count, 1);
    assert_false(certificate_is_self_signed(issuing.all[0]));
    assert_int_equal(X509_get_pathlen(certificate_handle(issuing.all[0])), 0);
    assert_int_equal(certificate_facts_of(issuing.all[0], &facts, NULL), 0);
    assert_int_equal(facts.registered.not_after_s - facts.registered.not_before_s,
                     CA_ISSUING_DAYS * DAY_S + CA_BACKDATE_S);
    assert_int_equal(sent.count, 2);
    assert_true(is_believed(dir));
    struct certificate *lamp = issue(dir, NULL, "lamp");
    assert_true(is_let_in(dir, lamp));
    assert_int_equal(state_ca_look(dir, &keys, NULL), 0);
    assert_true(keys.has_root && keys.has_root_key && keys.has_key);
    assert_false(keys.is_sealed || keys.is_unfinished);
    certificate_free(lamp);
    certificate_free(root);
    certificate_list_fini(&issuing);
    certificate_list_fini(&sent);
}

/* The issuing CA makes no third tier. */
static void an_issuing_ca_signs_no_ca(void **state)
{
    const char *dir = folder_of(state);
    struct state_made made;
    struct ca *ca;
    struct key *key;
    struct certificate *certificate = NULL;
    prepare(dir, NULL, &made);
    assert_int_equal(state_ca_open(dir, NULL, &ca, NULL), 0);
    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(ca_make_issuing(ca, key, (int64_t)time(NULL), &certificate, NULL), -EINVAL);
    assert_null(certificate);
    key_free(key);
    ca_close(ca);
}

static void an_old_folder_goes_on_unchanged(void **state)
{
    const char *dir = folder_of(state);
    struct state_made made;
    struct state_ca_keys keys;
    make_old_folder(dir);
    struct certificate *early = issue(dir, NULL, "early");
    struct certificate_list before = load_list(dir, STATE_CA_CERTIFICATE);
    prepare(dir, NULL, &made);
    assert_false(made.ca || made.server);
    assert_string_equal(made.trust_domain, "old.example");
    assert_int_equal(state_ca_look(dir, &keys, NULL), 0);
    assert_false(keys.has_root || keys.has_root_key);
    struct certificate_list after = load_list(dir, STATE_CA_CERTIFICATE);
    assert_int_equal(after.count, 1);
    assert_int_equal(X509_cmp(certificate_handle(before.all[0]), certificate_handle(after.all[0])),
                     0);
    struct certificate *late = issue(dir, NULL, "late");
    assert_true(is_let_in(dir, early) && is_let_in(dir, late) && is_believed(dir));
    certificate_free(early);
    certificate_free(late);
    certificate_list_fini(&before);
    certificate_list_fini(&after);
}

static int renew(void *context)
{
    return state_ca_renew(context, NULL, (int64_t)time(NULL), NULL);
}

static void assert_renewed(const char *dir, struct certificate *early)
{
    struct state_ca_keys keys;
    struct certificate *late = issue(dir, NULL, "late");
    struct certificate_list issuing = load_list(dir, STATE_CA_CERTIFICATE);
    assert_int_equal(issuing.count, 2);
    assert_true(is_let_in(dir, early) && is_let_in(dir, late) && is_believed(dir));
    assert_true(certificate_is_valid_under(late, issuing.all[0], (int64_t)time(NULL)));
    assert_true(certificate_is_valid_under(early, issuing.all[1], (int64_t)time(NULL)));
    assert_int_equal(state_ca_look(dir, &keys, NULL), 0);
    assert_true(keys.has_root && keys.has_root_key && keys.has_key && !keys.is_unfinished);
    certificate_list_fini(&issuing);
    certificate_free(late);
}

static void devices_of_the_ca_before_come_in(void **state)
{
    char *dir = folder_of(state);
    struct state_made made;
    struct pki_fault fault;
    prepare(dir, NULL, &made);
    struct certificate *early = issue(dir, NULL, "early");
    assert_int_equal(renew(dir), 0);
    assert_renewed(dir, early);
    /* What has expired is dropped. */
    assert_int_equal(
        state_ca_renew(dir, NULL, (int64_t)time(NULL) + (CA_ISSUING_DAYS + 1) * DAY_S, &fault), 0);
    struct certificate_list issuing = load_list(dir, STATE_CA_CERTIFICATE);
    assert_int_equal(issuing.count, 1);
    certificate_list_fini(&issuing);
    certificate_free(early);
}

/* An old folder gets its second tier by the same command. */
static void an_old_folder_is_promoted(void **state)
{
    char *dir = folder_of(state);
    struct state_made made;
    make_old_folder(dir);
    prepare(dir, NULL, &made);
    struct certificate *early = issue(dir, NULL, "early");
    assert_int_equal(renew(dir), 0);
    assert_renewed(dir, early);
    assert_int_equal(unlink(place(dir, STATE_SERVER_KEY)), 0);
    prepare(dir, NULL, &made);
    assert_true(made.server && is_believed(dir));
    certificate_free(early);
}

static void a_renewal_is_cut_short(void **state)
{
    char *dir = folder_of(state);
    for (int is_old = 0; is_old < 2; is_old++) {
        long steps = 0;
        for (bool is_through = false; !is_through; steps++) {
            struct state_made made;
            scratch_clear(*state);
            if (is_old == 1)
                make_old_folder(dir);
            prepare(dir, NULL, &made);
            struct certificate *early = issue(dir, NULL, "early");
            is_through = crash_before(steps, renew, dir);
            /* Whatever is there signs, and is trusted. */
            prepare(dir, NULL, &made);
            struct certificate *meanwhile = issue(dir, NULL, "meanwhile");
            assert_true(is_let_in(dir, early) && is_let_in(dir, meanwhile) && is_believed(dir));
            if (!is_through)
                assert_int_equal(renew(dir), 0);
            struct certificate_list issuing = load_list(dir, STATE_CA_CERTIFICATE);
            if (issuing.count == 2)
                assert_renewed(dir, early);
            else
                assert_int_equal(issuing.count, 3); /* it was through but for the last sync */
            certificate_list_fini(&issuing);
            certificate_free(meanwhile);
            certificate_free(early);
        }
        assert_true(steps > 10);
    }
}

static void without_the_root_key_all_but_renewal_works(void **state)
{
    char *dir = folder_of(state);
    struct state_made made;
    struct pki_fault fault;
    prepare(dir, NULL, &made);
    assert_int_equal(unlink(place(dir, STATE_ROOT_KEY)), 0);
    assert_int_equal(unlink(place(dir, STATE_SERVER_KEY)), 0);
    prepare(dir, NULL, &made);
    assert_true(made.server && is_believed(dir));
    struct certificate *lamp = issue(dir, NULL, "lamp");
    assert_true(is_let_in(dir, lamp));
    certificate_free(lamp);
    assert_int_equal(state_ca_renew(dir, NULL, (int64_t)time(NULL), &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "root.key is kept elsewhere"));
}

/* ---- sealed ---- */

static struct passphrase phrase(const char *text)
{
    struct passphrase made = { 0 };
    assert_int_equal(passphrase_set(text, strlen(text), &made), 0);
    return made;
}

static int seal(void *context)
{
    const struct passphrase secret = phrase(SECRET);
    return state_ca_seal(context, &secret, NULL);
}

static void a_sealed_ca(void **state)
{
    char *dir = folder_of(state);
    char path[SCRATCH_PATH_SIZE];
    struct state_made made;
    struct state_ca_keys keys;
    struct pki_fault fault;
    struct ca *ca = NULL;
    const struct passphrase other = phrase("another one");
    prepare(dir, NULL, &made);
    assert_int_equal(seal(dir), 0);
    assert_int_equal(seal(dir), 0); /* again: nothing to do */
    assert_int_equal(state_ca_seal(dir, &other, &fault), -EKEYREJECTED);
    assert_int_equal(state_ca_look(dir, &keys, NULL), 0);
    assert_true(keys.is_sealed);

    /* Nobody knows the passphrase: it starts, and signs nothing. */
    prepare(dir, NULL, &made);
    assert_int_equal(state_ca_open(dir, NULL, &ca, &fault), -ENOKEY);
    assert_non_null(strstr(fault.text, "sealed"));

    scratch_path(*state, "phrase", path);
    const struct ca_access access = { .passphrase_file = path };
    assert_int_equal(private_file_write(path, span_of(SECRET "\n"), PRIVATE_FILE_REPLACE), 0);
    struct certificate *lamp = issue(dir, &access, "lamp");
    assert_int_equal(state_ca_renew(dir, &access, (int64_t)time(NULL), &fault), 0);
    assert_true(is_let_in(dir, lamp));
    bool is_sealed = false;
    assert_int_equal(key_is_sealed(place(dir, STATE_CA_KEY), &is_sealed, NULL), 0);
    assert_true(is_sealed); /* the next one, too */

    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(state_ca_open(dir, &access, &ca, &fault), -EPERM);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(private_file_write(path, span_of("wrong\n"), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(state_ca_open(dir, &access, &ca, &fault), -EKEYREJECTED);
    assert_int_equal(private_file_write(path, span_of(SECRET), PRIVATE_FILE_REPLACE), 0);
    assert_int_equal(state_ca_unseal(dir, &access, &fault), 0);
    assert_int_equal(state_ca_open(dir, NULL, &ca, &fault), 0);
    ca_close(ca);
    certificate_free(lamp);
}

/* What was sealed stays sealed when it becomes the root. */
static void an_old_sealed_folder_is_promoted(void **state)
{
    char *dir = folder_of(state);
    char path[SCRATCH_PATH_SIZE];
    struct state_made made;
    bool is_sealed[2] = { false, false };
    struct pki_fault fault;
    scratch_path(*state, "phrase", path);
    const struct ca_access access = { .passphrase_file = path };
    assert_int_equal(private_file_write(path, span_of(SECRET), PRIVATE_FILE_KEEP), 0);
    make_old_folder(dir);
    prepare(dir, NULL, &made);
    assert_int_equal(seal(dir), 0);
    assert_int_equal(state_ca_renew(dir, NULL, (int64_t)time(NULL), &fault), -ENOKEY);
    assert_int_equal(state_ca_renew(dir, &access, (int64_t)time(NULL), &fault), 0);
    assert_int_equal(key_is_sealed(place(dir, STATE_ROOT_KEY), &is_sealed[0], NULL), 0);
    assert_int_equal(key_is_sealed(place(dir, STATE_CA_KEY), &is_sealed[1], NULL), 0);
    assert_true(is_sealed[0] && is_sealed[1]);
    struct certificate *lamp = issue(dir, &access, "lamp");
    assert_true(is_let_in(dir, lamp));
    certificate_free(lamp);
}

static void sealing_is_cut_short(void **state)
{
    char *dir = folder_of(state);
    const struct passphrase secret = phrase(SECRET);
    long steps = 0;
    for (bool is_through = false; !is_through; steps++) {
        struct state_made made;
        struct key *key;
        bool is_sealed = false;
        scratch_clear(*state);
        prepare(dir, NULL, &made);
        assert_int_equal(unlink(place(dir, STATE_ROOT_KEY)), 0);
        is_through = crash_before(steps, seal, dir);
        prepare(dir, NULL, &made);
        const char *path = place(dir, STATE_CA_KEY);
        assert_int_equal(key_is_sealed(path, &is_sealed, NULL), 0);
        assert_int_equal(key_load_with(path, is_sealed ? &secret : NULL, &key, NULL), 0);
        key_free(key);
        if (!is_through)
            assert_int_equal(seal(dir), 0);
        assert_int_equal(key_is_sealed(path, &is_sealed, NULL), 0);
        assert_true(is_sealed);
    }
    assert_true(steps > 4);
}

/* ---- renewal of the server certificate, under a clock of ours ---- */

static int64_t end_of_server(const char *dir)
{
    struct certificate_list sent = load_list(dir, STATE_SERVER_CERTIFICATE);
    struct certificate_facts facts;
    assert_int_equal(certificate_facts_of(sent.all[0], &facts, NULL), 0);
    certificate_list_fini(&sent);
    return facts.registered.not_after_s;
}

static void the_server_certificate_is_renewed_in_time(void **state)
{
    const char *dir = folder_of(state);
    struct state_made made;
    prepare(dir, NULL, &made);
    int64_t end_s = end_of_server(dir);
    struct state_options later = { .only_server = true,
                                   .now_s = end_s - (STATE_RENEW_DAYS + 1) * DAY_S };
    prepare(dir, &later, &made);
    assert_false(made.server);
    later.now_s = end_s - (STATE_RENEW_DAYS - 1) * DAY_S;
    prepare(dir, &later, &made);
    assert_true(made.server && !made.is_overdue && !made.admin);
    assert_true(made.ca_not_after_s > end_s + DAY_S);
    assert_int_equal(end_of_server(dir), later.now_s + CA_SERVER_DAYS * DAY_S);
    prepare(dir, &later, &made);
    assert_false(made.server);
}

/* A tool may be waiting for a person, with the folder locked; a broker does not wait for it. */
static void a_running_broker_waits_for_nobody(void **state)
{
    const char *dir = folder_of(state);
    const struct state_options later = { .only_server = true };
    struct state_made made;
    struct pki_fault fault;
    int lock;
    prepare(dir, NULL, &made);
    assert_int_equal(state_lock(dir, true, &lock, &fault), 0);
    assert_int_equal(state_prepare(dir, &later, &made, &fault), -EBUSY);
    close(lock);
    prepare(dir, &later, &made);
}

static void a_short_certificate_is_renewed_at_its_last_third(void **state)
{
    const char *dir = folder_of(state);
    struct state_made made;
    struct ca *ca;
    struct key *key;
    struct certificate *brief;
    prepare(dir, NULL, &made);
    int64_t now_s = (int64_t)time(NULL);
    assert_int_equal(state_ca_open(dir, NULL, &ca, NULL), 0);
    assert_int_equal(key_load(place(dir, STATE_SERVER_KEY), &key, NULL), 0);
    assert_int_equal(
        ca_issue_server(ca, &(struct ca_server_request){ .key = key, .now_s = now_s, .days = 9 },
                        &brief, NULL),
        0);
    assert_int_equal(certificate_save(brief, place(dir, STATE_SERVER_CERTIFICATE), NULL), 0);
    struct state_options later = { .only_server = true, .now_s = now_s + 5 * DAY_S };
    prepare(dir, &later, &made);
    assert_false(made.server);
    later.now_s = now_s + 7 * DAY_S;
    prepare(dir, &later, &made);
    assert_true(made.server);
    certificate_free(brief);
    key_free(key);
    ca_close(ca);
}

/* At the end of the CA's life there is nothing to be gained. */
static void no_renewal_without_a_longer_life(void **state)
{
    const char *dir = folder_of(state);
    struct state_made made;
    prepare(dir, NULL, &made);
    int64_t soon_s = (int64_t)time(NULL) + (CA_ISSUING_DAYS - 20) * DAY_S;
    struct state_options later = { .only_server = true, .now_s = soon_s };
    prepare(dir, &later, &made);
    assert_true(made.server);
    int64_t end_s = end_of_server(dir);
    later.now_s = end_s - DAY_S;
    prepare(dir, &later, &made);
    assert_false(made.server);
    assert_int_equal(end_of_server(dir), end_s);
}

static void without_the_key_the_old_one_serves(void **state)
{
    char *dir = folder_of(state);
    struct state_made made;
    prepare(dir, NULL, &made);
    assert_int_equal(seal(dir), 0);
    int64_t end_s = end_of_server(dir);
    struct state_options later = { .now_s = end_s - DAY_S };
    prepare(dir, &later, &made);
    assert_true(made.is_overdue && !made.server);
    assert_non_null(strstr(made.overdue.text, "sealed"));
    assert_int_equal(end_of_server(dir), end_s);
}

static void an_authority_of_ed25519(void **state)
{
    const char *dir = folder_of(state);
    const struct state_options options = { .algorithm = KEY_ED25519 };
    struct state_made made;
    struct certificate *root;
    struct certificate_facts facts;
    prepare(dir, &options, &made);
    assert_int_equal(state_ca_root(dir, &root, NULL), 0);
    assert_int_equal(certificate_facts_of(root, &facts, NULL), 0);
    assert_int_equal(facts.algorithm, KEY_ED25519);
    struct certificate *early = issue(dir, NULL, "early");
    assert_int_equal(state_ca_renew(dir, NULL, (int64_t)time(NULL), NULL), 0);
    assert_renewed(dir, early);
    certificate_free(early);
    certificate_free(root);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_new_folder_has_two_tiers),
        TEST(an_issuing_ca_signs_no_ca),
        TEST(an_old_folder_goes_on_unchanged),
        TEST(devices_of_the_ca_before_come_in),
        TEST(an_old_folder_is_promoted),
        TEST(a_renewal_is_cut_short),
        TEST(without_the_root_key_all_but_renewal_works),
        TEST(a_sealed_ca),
        TEST(an_old_sealed_folder_is_promoted),
        TEST(sealing_is_cut_short),
        TEST(the_server_certificate_is_renewed_in_time),
        TEST(a_running_broker_waits_for_nobody),
        TEST(a_short_certificate_is_renewed_at_its_last_third),
        TEST(no_renewal_without_a_longer_life),
        TEST(without_the_key_the_old_one_serves),
        TEST(an_authority_of_ed25519),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
