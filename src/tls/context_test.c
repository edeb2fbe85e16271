/* SPDX-License-Identifier: Apache-2.0 */
#include "tls/context.h"

#include "tls/fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

static struct tls_fixture pki;

static int make_pki(void **state)
{
    (void)state;
    tls_fixture_init(&pki);
    tls_fixture_other_ca(&pki, "other");
    tls_fixture_write(&pki, "empty.pem", "");
    tls_fixture_write(&pki, "broken.pem",
                      "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    tls_fixture_write(&pki, "locked.pem",
                      "-----BEGIN EC PRIVATE KEY-----\n"
                      "Proc-Type: 4,ENCRYPTED\n"
                      "DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF\n\n"
                      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n"
                      "-----END EC PRIVATE KEY-----\n");
    return 0;
}

static int drop_pki(void **state)
{
    (void)state;
    tls_fixture_fini(&pki);
    return 0;
}

/* File names in the fixture; "": the good one. */
struct row {
    const char *certificate;
    const char *key;
    const char *ca;
    const char *crl;
    int error;
    const char *text;
};

static const struct row rows[] = {
    { "", "", "", NULL, 0, "" },
    { "absent.pem", "", "", NULL, -ENOENT, "absent.pem: No such file" },
    { "empty.pem", "", "", NULL, -EINVAL, "empty.pem: no certificate in PEM form" },
    { "broken.pem", "", "", NULL, -EINVAL, "broken.pem: no certificate in PEM form" },
    { "", "absent.pem", "", NULL, -ENOENT, "absent.pem: No such file" },
    { "", "server.crt", "", NULL, -EINVAL, "server.crt: no private key in PEM form" },
    { "", "other.key", "", NULL, -EINVAL,
      "other.key: this key does not belong to the certificate" },
    { "", "locked.pem", "", NULL, -EINVAL, "locked.pem: the key is encrypted" },
    { "", "", NULL, NULL, -EINVAL, "no client CA file is given" },
    { "", "", "empty.pem", NULL, -EINVAL, "empty.pem: no CA certificate in PEM form" },
    { "", "", "broken.pem", NULL, -EINVAL, "broken.pem: a CA certificate is damaged" },
    { "", "", "", "absent.pem", -ENOENT, "absent.pem: No such file" },
    { "", "", "", "server.crt", -EINVAL, "server.crt: no revocation list (CRL)" },
};

static const char *chosen(const char *name, const char *good, char path[128])
{
    if (name == NULL)
        return NULL;
    if (name[0] == '\0')
        return good;
    tls_fixture_path(&pki, name, path);
    return path;
}

static void files_are_judged_with_their_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        char paths[4][128];
        struct tls_options options = {
            .certificate_path = chosen(rows[i].certificate, pki.server_path, paths[0]),
            .key_path = chosen(rows[i].key, pki.server_key_path, paths[1]),
            .client_ca_path = chosen(rows[i].ca, pki.ca_path, paths[2]),
            .crl_path = chosen(rows[i].crl, NULL, paths[3]),
        };
        struct tls_context *context = NULL;
        struct tls_error why = { "" };
        assert_int_equal(tls_context_new(&options, &why, &context), rows[i].error);
        if (strstr(why.text, rows[i].text) == NULL)
            fail_msg("row %zu: %s", i, why.text);
        if (rows[i].error != 0)
            assert_null(context);
        tls_context_free(context);
    }
}

static void a_failed_reload_changes_nothing(void **state)
{
    (void)state;
    struct tls_options options = { .certificate_path = pki.server_path,
                                   .key_path = pki.server_key_path,
                                   .clients = TLS_CLIENTS_NONE };
    struct tls_context *context = NULL;
    struct tls_error why = { "" };
    assert_int_equal(tls_context_new(&options, &why, &context), 0);
    char path[128];
    tls_fixture_path(&pki, "empty.pem", path);
    struct tls_options bad = options;
    bad.certificate_path = path;
    assert_int_equal(tls_context_reload(context, &bad, &why), -EINVAL);
    assert_int_equal(tls_context_reload(context, &options, &why), 0);
    tls_context_forget_sessions(context);
    tls_context_free(context);
    tls_context_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_judged_with_their_name),
        cmocka_unit_test(a_failed_reload_changes_nothing),
    };
    return cmocka_run_group_tests(tests, make_pki, drop_pki);
}
