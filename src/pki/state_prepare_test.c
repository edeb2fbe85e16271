/* SPDX-License-Identifier: Apache-2.0 */
/* The first start, and every way in which it can be cut short. */
#include "pki/crash.h"
#include "pki/registry_life.h"
#include "pki/scratch.h"
#include "pki/state.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static void prepare(const char *dir, struct state_made *out)
{
    struct pki_fault fault = { 0 };
    int error = state_prepare(dir, NULL, out, &fault);
    if (error != 0)
        fail_msg("%d: %s", error, fault.text);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    return status.st_mode & 0777;
}

static struct certificate_facts facts_in(const char *dir, enum state_file file)
{
    char path[STATE_PATH_SIZE];
    struct certificate *certificate;
    struct certificate_facts facts;
    assert_int_equal(state_path(dir, file, path), 0);
    assert_int_equal(certificate_load(path, &certificate, NULL), 0);
    assert_int_equal(certificate_facts_of(certificate, &facts, NULL), 0);
    certificate_free(certificate);
    return facts;
}

/* Everything is there, private, and fits together. */
static void assert_complete(const char *dir)
{
    char path[STATE_FILE_COUNT][STATE_PATH_SIZE];
    struct certificate *root;
    struct certificate *server;
    struct key *key;
    struct registry *registry;
    struct registry_entry admin;
    for (unsigned i = 0; i < STATE_FILE_COUNT; i++)
        assert_int_equal(state_path(dir, (enum state_file)i, path[i]), 0);
    for (unsigned i = 0; i <= STATE_REGISTRY; i++)
        assert_int_equal(mode_of(path[i]), 0600);
    assert_int_equal(mode_of(path[STATE_STORE]), 0700);

    assert_int_equal(certificate_load(path[STATE_CA_CERTIFICATE], &root, NULL), 0);
    assert_int_equal(certificate_load(path[STATE_SERVER_CERTIFICATE], &server, NULL), 0);
    assert_int_equal(key_load(path[STATE_SERVER_KEY], &key, NULL), 0);
    assert_true(certificate_matches_key(server, key));
    assert_true(certificate_is_valid_under(server, root, (int64_t)time(NULL)));
    key_free(key);
    certificate_free(server);
    certificate_free(root);

    struct certificate_facts facts = facts_in(dir, STATE_ADMIN_CERTIFICATE);
    assert_int_equal(registry_open(path[STATE_REGISTRY], &registry, NULL), 0);
    assert_int_equal(registry_find(registry, "admin", &admin, NULL), 0);
    assert_int_equal(admin.kind, IDENTITY_ADMIN);
    assert_string_equal(admin.role, "admin");
    assert_memory_equal(admin.key_sha256, facts.key_sha256, 32);
    assert_memory_equal(admin.certificate.fingerprint, facts.registered.fingerprint, 32);
    registry_close(registry);
}

static void the_first_start_makes_everything(void **state)
{
    char dir[SCRATCH_PATH_SIZE];
    struct state_made made;
    char domain[IDENTITY_URI_DOMAIN_SIZE];
    mode_t old = umask(0);
    scratch_path(*state, "a/state", dir);
    prepare(dir, &made);
    (void)umask(old);
    assert_true(made.folder && made.ca && made.server && made.admin && made.registry);
    assert_int_equal(mode_of(dir), 0700);
    assert_int_equal(state_trust_domain(dir, domain, NULL), 0);
    assert_string_equal(domain, made.trust_domain);
    assert_complete(dir);
}

static void the_second_start_changes_nothing(void **state)
{
    const char *dir = ((const struct scratch *)*state)->folder;
    struct state_made made;
    prepare(dir, &made);
    struct certificate_facts before[3] = { facts_in(dir, STATE_CA_CERTIFICATE),
                                           facts_in(dir, STATE_SERVER_CERTIFICATE),
                                           facts_in(dir, STATE_ADMIN_CERTIFICATE) };
    prepare(dir, &made);
    assert_false(made.folder || made.ca || made.server || made.admin || made.registry);
    struct certificate_facts after[3] = { facts_in(dir, STATE_CA_CERTIFICATE),
                                          facts_in(dir, STATE_SERVER_CERTIFICATE),
                                          facts_in(dir, STATE_ADMIN_CERTIFICATE) };
    for (size_t i = 0; i < 3; i++)
        assert_memory_equal(before[i].registered.fingerprint, after[i].registered.fingerprint, 32);
}

static int prepare_quietly(void *context)
{
    struct state_made made;
    return state_prepare(context, NULL, &made, NULL);
}

static void an_interrupted_start_is_completed(void **state)
{
    struct scratch *scratch = *state;
    char *dir = scratch->folder;
    struct state_made made;
    long steps = 0;
    for (;; steps++) {
        scratch_clear(scratch);
        bool is_through = crash_before(steps, prepare_quietly, dir);
        prepare(scratch->folder, &made);
        assert_complete(scratch->folder);
        if (is_through)
            break;
    }
    assert_true(steps > 40); /* it did die at all these places */
}

/* And again while it is being completed. */
static void interrupted_again_and_again(void **state)
{
    struct scratch *scratch = *state;
    char *dir = scratch->folder;
    struct state_made made;
    for (int attempt = 0; attempt < 40; attempt++)
        if (crash_before(3 + attempt % 17, prepare_quietly, dir))
            break;
    prepare(scratch->folder, &made);
    assert_complete(scratch->folder);
}

static void without_the_ca_key(void **state)
{
    const char *dir = ((const struct scratch *)*state)->folder;
    char path[STATE_PATH_SIZE];
    struct state_made made;
    struct pki_fault fault;
    prepare(dir, &made);
    assert_int_equal(state_path(dir, STATE_CA_KEY, path), 0);
    assert_int_equal(unlink(path), 0);
    prepare(dir, &made); /* nothing is to be signed */
    assert_int_equal(access(path, F_OK), -1);

    assert_int_equal(state_path(dir, STATE_SERVER_CERTIFICATE, path), 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(state_prepare(dir, NULL, &made, &fault), -ENOENT);
    assert_non_null(strstr(fault.text, "ca.key"));
}

static void a_server_certificate_that_does_not_fit_is_made_anew(void **state)
{
    const char *dir = ((const struct scratch *)*state)->folder;
    char path[STATE_PATH_SIZE];
    struct state_made made;
    prepare(dir, &made);
    assert_int_equal(state_path(dir, STATE_SERVER_KEY, path), 0);
    assert_int_equal(unlink(path), 0);
    prepare(dir, &made);
    assert_true(made.server && !made.ca && !made.admin);
    assert_complete(dir);
}

static void names_given_once_are_kept(void **state)
{
    const char *dir = ((const struct scratch *)*state)->folder;
    static const char *const names[] = { "broker.example.org" };
    const struct state_options options = { .server_names = names, .server_name_count = 1 };
    char path[STATE_PATH_SIZE];
    char text[1024];
    struct state_made made;
    struct certificate *server;
    assert_int_equal(state_prepare(dir, &options, &made, NULL), 0);
    assert_int_equal(state_path(dir, STATE_SERVER_KEY, path), 0);
    assert_int_equal(unlink(path), 0);
    prepare(dir, &made);
    assert_int_equal(state_path(dir, STATE_SERVER_CERTIFICATE, path), 0);
    assert_int_equal(certificate_load(path, &server, NULL), 0);
    certificate_names(server, text, sizeof(text));
    assert_non_null(strstr(text, "DNS:broker.example.org"));
    certificate_free(server);
}

/* Taking the admin out of service, or its key away, is not undone by the next start. */
static void the_admin_is_left_as_decided(void **state)
{
    const char *dir = ((const struct scratch *)*state)->folder;
    char path[STATE_PATH_SIZE];
    struct registry *registry;
    struct state_made made;
    prepare(dir, &made);
    assert_int_equal(state_path(dir, STATE_ADMIN_KEY, path), 0);
    assert_int_equal(unlink(path), 0);
    prepare(dir, &made);
    assert_false(made.admin);
    assert_int_equal(access(path, F_OK), -1);

    assert_int_equal(state_path(dir, STATE_REGISTRY, path), 0);
    assert_int_equal(registry_open(path, &registry, NULL), 0);
    assert_int_equal(registry_set_status(registry, "admin", REGISTRY_REVOKED, NULL), 0);
    registry_close(registry);
    prepare(dir, &made);
    assert_false(made.admin);
}

static void only_a_ca(void **state)
{
    const char *dir = ((const struct scratch *)*state)->folder;
    const struct state_options options = { .trust_domain = "fleet.example",
                                           .without_server = true };
    char path[STATE_PATH_SIZE];
    struct state_made made;
    assert_int_equal(state_prepare(dir, &options, &made, NULL), 0);
    assert_true(made.ca && made.registry && !made.server && !made.admin);
    assert_string_equal(made.trust_domain, "fleet.example");
    assert_int_equal(state_path(dir, STATE_SERVER_CERTIFICATE, path), 0);
    assert_int_equal(access(path, F_OK), -1);
    prepare(dir, &made); /* the rest later, under the same CA */
    assert_true(made.server && made.admin && !made.ca);
    assert_string_equal(made.trust_domain, "fleet.example");
    assert_complete(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_start_makes_everything),
        TEST(the_second_start_changes_nothing),
        TEST(an_interrupted_start_is_completed),
        TEST(interrupted_again_and_again),
        TEST(without_the_ca_key),
        TEST(a_server_certificate_that_does_not_fit_is_made_anew),
        TEST(names_given_once_are_kept),
        TEST(the_admin_is_left_as_decided),
        TEST(only_a_ca),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
