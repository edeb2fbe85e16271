/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/identity_uri.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define TEN       "0123456789"
#define SIXTY     TEN TEN TEN TEN TEN TEN
#define SIXTYFOUR SIXTY "abcd"

static void names(void **state)
{
    (void)state;
    static const char *const good[] = { "a", "lamp", "Lamp-7_x.y", "0", SIXTYFOUR };
    static const char *const bad[] = { "",    ".",   "..",   "-a",          "_a",         ".hidden",
                                       "a/b", "a b", "a+",   "#",           "a%b",        "a\"b",
                                       "$a",  "a:b", "a\nb", SIXTYFOUR "e", "l\xc3\xa4mp" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(good); i++)
        assert_true(identity_uri_name_is_valid(good[i]));
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_false(identity_uri_name_is_valid(bad[i]));
    assert_false(identity_uri_name_is_valid(NULL));
}

static void domains(void **state)
{
    (void)state;
    assert_true(identity_uri_domain_is_valid("94e21109.tacit"));
    assert_true(identity_uri_domain_is_valid(SIXTYFOUR SIXTYFOUR));
    assert_false(identity_uri_domain_is_valid(SIXTYFOUR SIXTYFOUR "e"));
    assert_false(identity_uri_domain_is_valid("Example.org"));
    assert_false(identity_uri_domain_is_valid("a/b"));
    assert_false(identity_uri_domain_is_valid(""));
    assert_false(identity_uri_domain_is_valid(NULL));
}

/* In a block of exactly its size, so that a read beyond the end is seen. */
static int parse(const char *text, struct identity_uri *out)
{
    size_t len = strlen(text);
    uint8_t *copy = malloc(len > 0 ? len : 1);
    memcpy(copy, text, len);
    int result = identity_uri_parse((struct mqtt_span){ copy, len }, out);
    free(copy);
    return result;
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    static const struct identity_uri uris[] = {
        { "a", IDENTITY_DEVICE, "b" },
        { "94e21109.tacit", IDENTITY_ADMIN, "admin" },
        { SIXTYFOUR SIXTYFOUR, IDENTITY_SERVICE, SIXTYFOUR },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(uris); i++) {
        char text[IDENTITY_URI_SIZE];
        struct identity_uri again;
        assert_int_equal(identity_uri_format(&uris[i], text), 0);
        assert_int_equal(parse(text, &again), 0);
        assert_string_equal(again.trust_domain, uris[i].trust_domain);
        assert_int_equal(again.kind, uris[i].kind);
        assert_string_equal(again.name, uris[i].name);
        for (size_t cut = 0; cut < strlen(text) - strlen(uris[i].name) + 1; cut++)
            assert_int_equal(identity_uri_parse((struct mqtt_span){ (uint8_t *)text, cut }, &again),
                             -EINVAL);
    }
}

static void everything_else_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "spiffe://",
        "spiffe://td",
        "spiffe://td/",
        "spiffe://td/device",
        "spiffe://td/device/",
        "spiffe://td/device/lamp/",
        "spiffe://td/device/lamp/x",
        "spiffe://td//lamp",
        "spiffe:///device/lamp",
        "spiffe://td/Device/lamp",
        "spiffe://td/robot/lamp",
        "spiffe://TD/device/lamp",
        "spiffe://td/device/la mp",
        "spiffe://td/device/../x",
        "spiffe://td/device/..",
        "spiffe://td:1/device/lamp",
        "spiffe://user@td/device/lamp",
        "spiffe://td/device/lamp?q",
        "spiffe://td/device/%6camp",
        "Spiffe://td/device/lamp",
        "https://td/device/lamp",
        "spiffe://td/device/" SIXTYFOUR "e",
        "spiffe://" SIXTYFOUR SIXTYFOUR "e/device/lamp",
        " spiffe://td/device/lamp",
    };
    struct identity_uri uri;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_int_equal(parse(bad[i], &uri), -EINVAL);
    static const uint8_t with_nul[] = "spiffe://td/device/la\0mp";
    assert_int_equal(identity_uri_parse((struct mqtt_span){ with_nul, sizeof(with_nul) - 1 }, &uri),
                     -EINVAL);

    char text[IDENTITY_URI_SIZE];
    assert_int_equal(
        identity_uri_format(&(struct identity_uri){ "td", IDENTITY_KIND_COUNT, "lamp" }, text),
        -EINVAL);
    assert_int_equal(identity_uri_format(&(struct identity_uri){ "td", IDENTITY_DEVICE, "" }, text),
                     -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(domains),
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(everything_else_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
