/* SPDX-License-Identifier: Apache-2.0 */
/* A CA whose key is in a token: SoftHSM's, made for the test. Where there is none, it is said and
 * skipped. */
#include "pki/pkcs11.h"

#include "pki/csr.h"
#include "pki/private_file.h"
#include "pki/scratch.h"
#include "pki/state.h"
#include "pki/state_ca.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define URI_SIZE (SCRATCH_PATH_SIZE + 128)

/* Its exit code; 127 when there is no such program. */
static int run(char *const *words)
{
    int status = 0;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
        (void)dup2(nowhere, STDOUT_FILENO);
        (void)dup2(nowhere, STDERR_FILENO);
        execvp(words[0], words);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define WORD(text) ((char[]){ text })

static bool make_token(const struct scratch *scratch)
{
    char folder[SCRATCH_PATH_SIZE];
    char config[SCRATCH_PATH_SIZE];
    char text[SCRATCH_PATH_SIZE + 64];
    bool made;
    scratch_path(scratch, "tokens", folder);
    scratch_path(scratch, "softhsm.conf", config);
    assert_int_equal(private_file_make_dir(folder, &made), 0);
    (void)snprintf(text, sizeof(text), "directories.tokendir = %s\n", folder);
    assert_int_equal(private_file_write(config, span_of(text), PRIVATE_FILE_KEEP), 0);
    assert_int_equal(setenv("SOFTHSM2_CONF", config, 1), 0);
    char *const words[] = { WORD("softhsm2-util"), WORD("--init-token"),
                            WORD("--free"),        WORD("--label"),
                            WORD("tacit"),         WORD("--pin"),
                            WORD("1234"),          WORD("--so-pin"),
                            WORD("5678"),          NULL };
    return run(words) == 0;
}

static bool import_key(const struct scratch *scratch)
{
    char path[SCRATCH_PATH_SIZE];
    struct key *key;
    scratch_path(scratch, "import.key", path);
    assert_int_equal(key_load_or_create(path, &key, NULL), 0);
    key_free(key);
    char *const words[] = { WORD("softhsm2-util"), WORD("--import"), path,
                            WORD("--token"),       WORD("tacit"),    WORD("--label"),
                            WORD("issuing"),       WORD("--id"),     WORD("01"),
                            WORD("--pin"),         WORD("1234"),     NULL };
    return run(words) == 0;
}

/* The name of the key, with the PIN in a file. */
static void name_key(const struct scratch *scratch, const char *object, char out[URI_SIZE])
{
    char pin[SCRATCH_PATH_SIZE];
    scratch_path(scratch, "pin", pin);
    (void)snprintf(out, URI_SIZE, "pkcs11:token=tacit;object=%s;type=private?pin-source=file:%s",
                   object, pin);
}

static void set_pin(const struct scratch *scratch, const char *text)
{
    char pin[SCRATCH_PATH_SIZE];
    scratch_path(scratch, "pin", pin);
    assert_int_equal(private_file_write(pin, span_of(text), PRIVATE_FILE_REPLACE), 0);
}

static int make(void **state)
{
    if (scratch_make(state) != 0)
        return -1;
    set_pin(*state, "1234\n");
    return 0;
}

/* The PIN first: a token that was opened once stays so as long as the process lives. */
static bool opens_with_its_pin_only(const struct scratch *scratch)
{
    char uri[URI_SIZE];
    char pin[SCRATCH_PATH_SIZE];
    struct key *key = NULL;
    struct pki_fault fault = { "softhsm2-util" };
    bool has_token = make_token(scratch) && import_key(scratch);
    name_key(scratch, "issuing", uri);
    if (has_token) {
        set_pin(scratch, "4321");
        assert_int_equal(pkcs11_open_key(uri, NULL, &key, &fault), -ENODEV);
        assert_null(strstr(fault.text, "4321"));
        set_pin(scratch, "1234");
        has_token = pkcs11_open_key(uri, NULL, &key, &fault) == 0;
    }
    if (!has_token) {
        print_message("SKIPPED: no token; install softhsm2 and libengine-pkcs11-openssl (%s)\n",
                      fault.text);
        return false;
    }
    key_free(key);
    scratch_path(scratch, "pin", pin);
    assert_int_equal(chmod(pin, 0640), 0);
    assert_int_equal(pkcs11_open_key(uri, NULL, &key, &fault), -EPERM);
    assert_non_null(strstr(fault.text, "chmod 600"));
    assert_int_equal(unlink(pin), 0);
    assert_int_equal(pkcs11_open_key(uri, NULL, &key, &fault), -ENOENT);
    set_pin(scratch, "1234");
    return true;
}

static int answer_pin(void *context, const char *what, struct passphrase *out)
{
    (void)context;
    assert_ptr_equal(strstr(what, "pkcs11:"), what);
    return passphrase_set("1234", 4, out);
}

static void a_ca_in_a_token(void **state)
{
    char uri[URI_SIZE];
    char dir[SCRATCH_PATH_SIZE];
    char path[STATE_PATH_SIZE];
    struct state_made made;
    struct pki_fault fault = { "" };
    struct ca *ca;
    struct certificate_list list;
    if (!opens_with_its_pin_only(*state))
        skip();
    name_key(*state, "issuing", uri);
    scratch_path(*state, "state", dir);
    const struct ca_access access = { .key = uri };
    const struct state_options options = { .access = &access };
    if (state_prepare(dir, &options, &made, &fault) != 0)
        fail_msg("%s", fault.text);
    assert_true(made.ca && made.server && made.admin);
    assert_int_equal(state_path(dir, STATE_CA_KEY, path), 0);
    assert_int_equal(faccessat(AT_FDCWD, path, F_OK, 0), -1);

    /* A new certificate for the same key takes the place of the old one. */
    assert_int_equal(state_ca_renew(dir, &access, (int64_t)time(NULL), &fault), 0);
    assert_int_equal(state_path(dir, STATE_CA_CERTIFICATE, path), 0);
    assert_int_equal(certificate_list_load(path, &list, NULL), 0);
    assert_int_equal(list.count, 1);
    assert_int_equal(state_path(dir, STATE_SERVER_CERTIFICATE, path), 0);
    struct certificate *server;
    assert_int_equal(certificate_load(path, &server, NULL), 0);
    assert_true(certificate_is_valid_under(server, list.all[0], (int64_t)time(NULL)));
    certificate_free(server);
    certificate_list_fini(&list);

    assert_int_equal(state_ca_open(dir, &access, &ca, &fault), 0);
    ca_close(ca);
    assert_int_equal(state_ca_open(dir, NULL, &ca, &fault), -ENOENT);
    const struct ca_access asks = { .key = "pkcs11:token=tacit;object=issuing;type=private",
                                    .ask = answer_pin };
    assert_int_equal(state_ca_open(dir, &asks, &ca, &fault), 0);
    ca_close(ca);
    name_key(*state, "another", uri);
    assert_int_equal(state_ca_open(dir, &access, &ca, &fault), -ENODEV);
    /* It starts all the same. */
    assert_int_equal(state_prepare(dir, &options, &made, &fault), 0);
}

static void names_of_keys(void **state)
{
    static const struct {
        const char *uri;
        bool is_valid;
    } rows[] = {
        { "pkcs11:token=a;object=b", true },
        { "pkcs11:object=b?pin-source=file:/x", true },
        { "pkcs11:object=b?pin-source=file:/x&module-name=y", true },
        { "pkcs11:object=b?pin-source=/x", false },
        { "pkcs11:object=b?pin-source=file:x", false },
        { "pkcs11:object=b?pin-source=%7ccat", false },
        { "pkcs11:object=b?pin-value=1234", false },
        { "file:/key.pem", false },
        { "", false },
    };
    struct key *key = NULL;
    struct pki_fault fault;
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        assert_int_equal(pkcs11_uri_is_valid(rows[i].uri), rows[i].is_valid);
        if (!rows[i].is_valid)
            assert_int_equal(pkcs11_open_key(rows[i].uri, NULL, &key, &fault), -EINVAL);
    }
    assert_int_equal(pkcs11_open_key("pkcs11:object=b?pin-source=file:/%2", NULL, &key, &fault),
                     -EINVAL);
    assert_int_equal(pkcs11_open_key("pkcs11:object=b?pin-source=file:/a%00b", NULL, &key, &fault),
                     -EINVAL);
    assert_null(key);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, scratch_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_ca_in_a_token),
        cmocka_unit_test(names_of_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
