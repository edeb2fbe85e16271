/* SPDX-License-Identifier: Apache-2.0 */
/* A key that is sealed, or replaced by another one, by a process that dies before each of its steps
 * on the disk: there is always a key that opens and has its certificate, and said again it is done,
 * and what was there before is wiped. */
#include "tools/keys_import.h"

#include "keystore/device_key.h"
#include "keystore/key_facts.h"
#include "pki/ca.h"
#include "pki/crash.h"
#include "pki/csr.h"
#include "pki/scratch.h"
#include "tools/keys_find.h"
#include "tools/keys_past.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define STEPS_MAX 200

struct bench {
    struct enroll_files files;
    struct ca *ca;
    int old_fd; /* of the plain file, to be looked into when its names are gone */
};

static void make_ca(struct bench *b)
{
    struct key *key;
    struct certificate *certificate;

    assert_int_equal(key_generate(&key, NULL), 0);
    assert_int_equal(ca_make_root(key, "td", (int64_t)time(NULL), &certificate, NULL), 0);
    assert_int_equal(ca_new(certificate, key, &b->ca, NULL), 0);
}

static struct certificate *issue(const struct bench *b, const char *key_path)
{
    struct key *key;
    struct csr *csr;
    struct certificate *certificate;

    assert_int_equal(device_key_load(key_path, &key, NULL), 0);
    assert_int_equal(csr_new(key, "lamp", &csr, NULL), 0);
    const struct ca_identity_request request = {
        .name = "lamp", .csr = csr, .now_s = (int64_t)time(NULL), .days = 1
    };
    assert_int_equal(ca_issue_identity(b->ca, &request, &certificate, NULL), 0);
    csr_free(csr);
    key_free(key);
    return certificate;
}

static void make_key(const char *path, const char *word)
{
    struct device_key_store store;

    assert_int_equal(device_key_parse_store(word, &store), 0);
    assert_int_equal(device_key_create(&store, false, path, NULL), 0);
}

static void set_up(const struct scratch *scratch, struct bench *b)
{
    char key[SCRATCH_PATH_SIZE];
    char certificate[SCRATCH_PATH_SIZE];
    char secrets[SCRATCH_PATH_SIZE];

    scratch_clear(scratch);
    scratch_path(scratch, "state", secrets);
    assert_int_equal(setenv("XDG_STATE_HOME", secrets, 1), 0);
    scratch_path(scratch, "lamp.key", key);
    scratch_path(scratch, "lamp.crt", certificate);
    assert_int_equal(enroll_files_of(key, certificate, "ca.crt", &b->files, NULL), 0);
    make_key(b->files.key, "file");
    struct certificate *made = issue(b, b->files.key);
    assert_int_equal(certificate_save(made, b->files.certificate, NULL), 0);
    certificate_free(made);
    b->old_fd = open(b->files.key, O_RDONLY | O_CLOEXEC);
    assert_true(b->old_fd >= 0);
}

static bool is_pair(const char *key_path, const char *certificate_path)
{
    struct certificate *certificate;
    struct key *key;

    if (device_key_load(key_path, &key, NULL) < 0)
        return false;
    bool is = certificate_load(certificate_path, &certificate, NULL) == 0;
    if (is) {
        is = certificate_matches_key(certificate, key);
        certificate_free(certificate);
    }
    key_free(key);
    return is;
}

static bool old_is_clear(const struct bench *b)
{
    char bytes[64] = "";

    assert_true(pread(b->old_fd, bytes, sizeof(bytes) - 1, 0) >= 0);
    return strstr(bytes, "PRIVATE KEY") != NULL;
}

static void assert_done(const struct bench *b, enum key_protection protection)
{
    struct key_facts facts;

    key_facts_of(b->files.key, &facts);
    assert_int_equal(facts.protection, protection);
    assert_true(is_pair(b->files.key, b->files.certificate));
    assert_false(old_is_clear(b));
    assert_int_equal(close(b->old_fd), 0);
}

/* What the command does first, whatever it is to do. */
static int recover(const struct bench *b)
{
    bool was_wiped;
    int error = enroll_files_recover(&b->files, NULL);

    return error == 0 ? keys_past_settle(&b->files, &was_wiped, NULL) : error;
}

/* ---- sealing ---- */

static int seal(void *context)
{
    const struct bench *b = context;
    bool was_wiped;
    struct key_facts facts;
    int error = recover(b);

    if (error < 0)
        return error;
    key_facts_of(b->files.key, &facts);
    if (facts.protection == KEY_PROTECTION_SEALED)
        return 0;
    error = keys_import_seal(&b->files, NULL);
    return error == 0 ? keys_past_settle(&b->files, &was_wiped, NULL) : error;
}

static void a_seal_that_is_cut_short(void **state)
{
    struct bench b = { .ca = NULL };
    long steps = 0;
    bool is_whole = false;

    make_ca(&b);
    for (; !is_whole; steps++) {
        assert_true(steps < STEPS_MAX);
        set_up(*state, &b);
        is_whole = crash_before(steps, seal, &b);
        assert_true(is_pair(b.files.key, b.files.certificate));
        assert_int_equal(seal(&b), 0);
        assert_done(&b, KEY_PROTECTION_SEALED);
    }
    assert_true(steps > 10);
    ca_close(b.ca);
}

/* ---- another key ---- */

struct replacement {
    struct bench *bench;
    struct certificate *certificate;
};

/* As the command does when the broker has signed. */
static int replace(void *context)
{
    const struct replacement *r = context;
    const struct enroll_files *files = &r->bench->files;
    bool was_wiped;
    int error = recover(r->bench);

    if (error < 0 || access(files->next_key, F_OK) < 0)
        return error;
    error = keys_past_keep(files, NULL);
    if (error == 0)
        error = enroll_files_store(files, r->certificate, true, NULL);
    return error == 0 ? keys_past_settle(files, &was_wiped, NULL) : error;
}

static bool is_pair_somewhere(const struct enroll_files *files)
{
    return is_pair(files->key, files->certificate) || is_pair(files->key, files->next_certificate)
           || is_pair(files->next_key, files->next_certificate);
}

static void a_replacement_that_is_cut_short(void **state)
{
    struct bench b = { .ca = NULL };
    struct replacement r = { .bench = &b };
    long steps = 0;
    bool is_whole = false;

    make_ca(&b);
    for (; !is_whole; steps++) {
        assert_true(steps < STEPS_MAX);
        set_up(*state, &b);
        make_key(b.files.next_key, "sealed");
        r.certificate = issue(&b, b.files.next_key);
        is_whole = crash_before(steps, replace, &r);
        assert_true(is_pair_somewhere(&b.files));
        assert_int_equal(replace(&r), 0);
        assert_done(&b, KEY_PROTECTION_SEALED);
        certificate_free(r.certificate);
    }
    assert_true(steps > 5);
    ca_close(b.ca);
}

/* ---- what is not wiped ---- */

static void what_does_not_work_wipes_nothing(void **state)
{
    struct bench b = { .ca = NULL };
    char old[SCRATCH_PATH_SIZE];
    bool was_wiped = true;

    make_ca(&b);
    set_up(*state, &b);
    scratch_path(*state, "lamp.key" KEYS_FIND_OLD, old);
    assert_int_equal(keys_past_settle(&b.files, &was_wiped, NULL), 0);
    assert_false(was_wiped);
    assert_int_equal(keys_past_keep(&b.files, NULL), 0);
    assert_int_equal(keys_past_keep(&b.files, NULL), -EEXIST);
    assert_int_equal(keys_past_settle(&b.files, &was_wiped, NULL), 0);
    assert_false(was_wiped);
    assert_true(old_is_clear(&b));
    /* Another key takes the place, and the certificate is not its own. */
    assert_int_equal(keys_past_keep(&b.files, NULL), 0);
    assert_int_equal(unlink(b.files.key), 0);
    make_key(b.files.key, "file");
    assert_int_equal(keys_past_settle(&b.files, &was_wiped, NULL), -EKEYREJECTED);
    assert_int_equal(access(old, F_OK), 0);
    assert_true(old_is_clear(&b));
    assert_int_equal(close(b.old_fd), 0);
    ca_close(b.ca);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_seal_that_is_cut_short, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(a_replacement_that_is_cut_short, scratch_make,
                                        scratch_remove),
        cmocka_unit_test_setup_teardown(what_does_not_work_wipes_nothing, scratch_make,
                                        scratch_remove),
    };
    /* Whatever TPM the machine has is not for tests. */
    if (setenv("TACIT_TPM_TCTI", "", 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
