/* SPDX-License-Identifier: Apache-2.0 */
#include "est/message.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *header;
    const char *name;  /* NULL: none */
    const char *token; /* NULL: refused */
} logins[] = {
    { "Bearer ABC", NULL, "ABC" },
    { "bearer  ABC ", NULL, "ABC" },
    { "Basic bGFtcDpBQkM=", "lamp", "ABC" },
    { "BASIC bGFtcDpBQkM=", "lamp", "ABC" },
    { "Basic bGFtcDpBOkI=", "lamp", "A:B" },
    { "", NULL, NULL },
    { "Bearer", NULL, NULL },
    { "Bearer ", NULL, NULL },
    { "BearerABC", NULL, NULL },
    { "Basic", NULL, NULL },
    { "Basic !", NULL, NULL },
    { "Basic bGFtcA==", NULL, NULL },     /* lamp */
    { "Basic OkFCQw==", NULL, NULL },     /* :ABC */
    { "Basic bGFtcDo=", NULL, NULL },     /* lamp: */
    { "Basic bGFtcDpBAEI=", NULL, NULL }, /* lamp:A NUL B */
    { "Basic bABtcDpBQkM=", NULL, NULL }, /* l NUL mp:ABC */
    { "Digest username=lamp", NULL, NULL },
};

static void logins_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(logins); i++) {
        struct mqtt_span header = test_span_new(logins[i].header);
        struct est_message_credentials c;
        int error = est_message_credentials(header, &c);
        test_span_free(header);
        assert_int_equal(error, logins[i].token == NULL ? -EBADMSG : 0);
        if (error != 0)
            continue;
        assert_string_equal(c.token, logins[i].token);
        assert_int_equal(c.has_name, logins[i].name != NULL);
        assert_string_equal(c.name, logins[i].name != NULL ? logins[i].name : "");
    }
}

static void long_ones_are_refused(void **state)
{
    char header[2000];
    struct est_message_credentials c;

    (void)state;
    memset(header, 'A', sizeof(header));
    memcpy(header, "Bearer ", 7);
    for (size_t len = 8; len < sizeof(header); len++) {
        int error = est_message_credentials((struct mqtt_span){ (uint8_t *)header, len }, &c);
        assert_int_equal(error, len - 7 < EST_MESSAGE_TOKEN_SIZE ? 0 : -EBADMSG);
    }
    memcpy(header, "Basic  ", 7);
    for (size_t len = 8; len < sizeof(header); len++)
        assert_int_equal(est_message_credentials((struct mqtt_span){ (uint8_t *)header, len }, &c),
                         -EBADMSG);
}

static void types(void **state)
{
    static const char type[] = "application/pkcs10";

    (void)state;
    assert_true(est_message_is_type(span_of("application/pkcs10"), type));
    assert_true(est_message_is_type(span_of("Application/PKCS10; charset=x"), type));
    assert_true(est_message_is_type(span_of("application/pkcs10 ;x"), type));
    assert_false(est_message_is_type(span_of("application/pkcs100"), type));
    assert_false(est_message_is_type(span_of("application/pkcs1"), type));
    assert_false(est_message_is_type(span_of(""), type));
}

static const struct {
    const char *path;
    const char *operation; /* "": none */
} paths[] = {
    { "/.well-known/est/cacerts", "cacerts" },
    { "/.well-known/est/label/cacerts", "cacerts" },
    { "/.well-known/est/cacerts/", "" },
    { "/.well-known/est//cacerts", "" },
    { "/.well-known/est/a/b/cacerts", "" },
    { "/.well-known/est/", "" },
    { "/.well-known/est", "" },
    { "/", "" },
    { "", "" },
    { "/.well-known/cst/cacerts", "" },
};

static void operations(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(paths); i++) {
        struct mqtt_span path = test_span_new(paths[i].path);
        assert_true(span_equal(est_message_operation(path), span_of(paths[i].operation)));
        test_span_free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logins_are_read),
        cmocka_unit_test(long_ones_are_refused),
        cmocka_unit_test(types),
        cmocka_unit_test(operations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
