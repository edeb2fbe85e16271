/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/identity_extension.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *bytes;
    size_t len;
    struct identity_extension expected;
};

#define ROW(bytes, ...)           \
    {                             \
        bytes, sizeof(bytes) - 1, \
        {                         \
            __VA_ARGS__           \
        }                         \
    }

static const struct row rows[] = {
    ROW("\x30\x09\x02\x01\x01\x0c\x04lamp", .role = "lamp"),
    ROW("\x30\x0f\x02\x01\x01\x0c\x04lamp\x80\x04"
        "acme",
        .role = "lamp", .tenant = "acme"),
    ROW("\x30\x0f\x02\x01\x01\x0c\x04lamp\x81\x04hall", .role = "lamp", .site = "hall"),
    ROW("\x30\x0c\x02\x01\x01\x0c\x04lamp\x82\x01\x04", .role = "lamp",
        .protection = KEY_PROTECTION_TPM),
    ROW("\x30\x12\x02\x01\x01\x0c\x01r\x80\x01t\x81\x01s\x82\x01\x03\x83\x01\xff", "r", "t", "s",
        KEY_PROTECTION_PKCS11, true),
};

/* In a heap block of exactly its size, so that a read behind it shows. */
static int decode(const void *bytes, size_t len, struct identity_extension *out)
{
    uint8_t *copy = malloc(len > 0 ? len : 1);
    assert_non_null(copy);
    memcpy(copy, bytes, len);
    int error = identity_extension_decode((struct mqtt_span){ copy, len }, out);
    free(copy);
    return error;
}

static void assert_same(const struct identity_extension *a, const struct identity_extension *b)
{
    assert_string_equal(a->role, b->role);
    assert_string_equal(a->tenant, b->tenant);
    assert_string_equal(a->site, b->site);
    assert_int_equal(a->protection, b->protection);
    assert_int_equal(a->is_attested, b->is_attested);
}

static void known_encodings(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        uint8_t der[IDENTITY_EXTENSION_MAX_BYTES];
        size_t len = 0;
        struct identity_extension found;
        assert_int_equal(identity_extension_encode(&rows[i].expected, der, &len), 0);
        assert_int_equal(len, rows[i].len);
        assert_memory_equal(der, rows[i].bytes, len);
        assert_int_equal(decode(rows[i].bytes, rows[i].len, &found), 0);
        assert_same(&found, &rows[i].expected);
    }
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        for (size_t len = 0; len < rows[i].len; len++) {
            struct identity_extension found;
            assert_int_equal(decode(rows[i].bytes, len, &found), -EBADMSG);
        }
}

/* What is accepted has one encoding only: a changed byte is refused or means something else. */
static void one_meaning_has_one_encoding(void **state)
{
    (void)state;
    const struct row *row = &rows[MQTT_ARRAY_LEN(rows) - 1];
    for (size_t at = 0; at < row->len; at++)
        for (unsigned value = 0; value < 256; value++) {
            uint8_t changed[64];
            uint8_t again[IDENTITY_EXTENSION_MAX_BYTES];
            size_t len = 0;
            struct identity_extension found;
            memcpy(changed, row->bytes, row->len);
            changed[at] = (uint8_t)value;
            if (decode(changed, row->len, &found) != 0)
                continue;
            assert_int_equal(identity_extension_encode(&found, again, &len), 0);
            assert_int_equal(len, row->len);
            assert_memory_equal(again, changed, len);
        }
}

static void the_longest_fits(void **state)
{
    (void)state;
    struct identity_extension longest = { .protection = KEY_PROTECTION_TPM, .is_attested = true };
    struct identity_extension found;
    uint8_t der[IDENTITY_EXTENSION_MAX_BYTES];
    size_t len = 0;
    memset(longest.role, 'r', REGISTRY_TEXT_SIZE - 1);
    memset(longest.tenant, 't', REGISTRY_TEXT_SIZE - 1);
    memset(longest.site, 's', REGISTRY_TEXT_SIZE - 1);
    assert_int_equal(identity_extension_encode(&longest, der, &len), 0);
    assert_true(len <= sizeof(der));
    assert_int_equal(decode(der, len, &found), 0);
    assert_same(&found, &longest);
}

static void refused(void **state)
{
    (void)state;
#define BAD(bytes) ROW(bytes, .role = "")
    static const struct row bad[] = {
        BAD("\x31\x09\x02\x01\x01\x0c\x04lamp"),         /* no SEQUENCE */
        BAD("\x30\x09\x02\x01\x02\x0c\x04lamp"),         /* version 2 */
        BAD("\x30\x0a\x02\x02\x00\x01\x0c\x04lamp"),     /* INTEGER not minimal */
        BAD("\x30\x81\x09\x02\x01\x01\x0c\x04lamp"),     /* length not minimal */
        BAD("\x30\x82\x00\x09\x02\x01\x01\x0c\x04lamp"), /* nor this one */
        BAD("\x30\x80\x02\x01\x01\x0c\x04lamp\x00\x00"), /* indefinite */
        BAD("\x30\x83\x00\x00\x09\x02\x01\x01\x0c\x04lamp"),
        BAD("\x30\x09\x02\x01\x01\x0c\x04lamp\x00"),     /* something behind it */
        BAD("\x30\x0a\x02\x01\x01\x0c\x04lamp\x00"),     /* something inside */
        BAD("\x30\x05\x02\x01\x01\x0c\x00"),             /* no role */
        BAD("\x30\x09\x02\x01\x01\x0c\x04la/p"),         /* a name that changes a topic */
        BAD("\x30\x09\x02\x01\x01\x0c\x04la\x00p"),      /* NUL */
        BAD("\x30\x09\x02\x01\x01\x0c\x04la\xc3\xa9"),   /* no name of the registry */
        BAD("\x30\x09\x02\x01\x01\x13\x04lamp"),         /* PrintableString */
        BAD("\x30\x0b\x02\x01\x01\x0c\x04lamp\x80\x00"), /* an empty tenant */
        BAD("\x30\x0c\x02\x01\x01\x0c\x04lamp\x82\x01\x00"),
        BAD("\x30\x0c\x02\x01\x01\x0c\x04lamp\x82\x01\x05"),
        BAD("\x30\x0c\x02\x01\x01\x0c\x04lamp\x83\x01\x00"), /* the default, spelt out */
        BAD("\x30\x0c\x02\x01\x01\x0c\x04lamp\x83\x01\x01"),
        BAD("\x30\x0f\x02\x01\x01\x0c\x04lamp\x81\x01s\x80\x01t"), /* order */
    };
#undef BAD
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct identity_extension found = { .role = "untouched" };
        if (decode(bad[i].bytes, bad[i].len, &found) != -EBADMSG)
            fail_msg("row %zu", i);
        assert_string_equal(found.role, "untouched");
    }
    uint8_t der[IDENTITY_EXTENSION_MAX_BYTES];
    size_t len = 7;
    assert_int_equal(
        identity_extension_encode(&(struct identity_extension){ .role = "" }, der, &len), -EINVAL);
    assert_int_equal(identity_extension_encode(
                         &(struct identity_extension){ .role = "r", .tenant = "a/b" }, der, &len),
                     -EINVAL);
    assert_int_equal(
        identity_extension_encode(
            &(struct identity_extension){ .role = "r", .protection = KEY_PROTECTION_COUNT }, der,
            &len),
        -EINVAL);
    assert_int_equal(len, 7);
}

static void words(void **state)
{
    (void)state;
    for (unsigned i = 0; i < KEY_PROTECTION_COUNT; i++) {
        enum key_protection found = KEY_PROTECTION_COUNT;
        const char *text = identity_extension_protection_text((enum key_protection)i);
        assert_int_equal(identity_extension_protection_parse(text, &found), 0);
        assert_int_equal(found, i);
    }
    enum key_protection found = KEY_PROTECTION_TPM;
    assert_int_equal(identity_extension_protection_parse("safe", &found), -EINVAL);
    assert_int_equal(found, KEY_PROTECTION_TPM);
    assert_string_equal(identity_extension_protection_text(KEY_PROTECTION_COUNT), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_encodings),
        cmocka_unit_test(every_truncation_is_refused),
        cmocka_unit_test(one_meaning_has_one_encoding),
        cmocka_unit_test(the_longest_fits),
        cmocka_unit_test(refused),
        cmocka_unit_test(words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
