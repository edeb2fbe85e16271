/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/identity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void names_that_fit_a_topic(void **state)
{
    (void)state;
    static const char *const good[] = { "a",   "Device-7", "urn:dev:1", "a.b",
                                        "a$b", "{x}",      "~",         "person@example.org" };
    static const char *const bad[] = { "",    "$a", ".a",      "a/b", "+",    "a+",   "#",
                                       "a#",  "%",  "%{site}", "a b", "a\tb", "\x7f", "\xc3\xa9",
                                       "a\"", "a'", "a`",      "a\\", "a\n" };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(good); i++)
        assert_true(identity_name_is_valid(good[i]));
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_false(identity_name_is_valid(bad[i]));
    assert_false(identity_name_is_valid(NULL));
}

static void names_end_at_their_limit(void **state)
{
    (void)state;
    for (size_t len = IDENTITY_NAME_BYTES - 1; len <= IDENTITY_NAME_BYTES + 2; len++) {
        char *name = malloc(len + 1);
        assert_non_null(name);
        memset(name, 'x', len);
        name[len] = '\0';
        assert_int_equal(identity_name_is_valid(name), len <= IDENTITY_NAME_BYTES);
        free(name);
    }
}

static void a_copy_stands_alone(void **state)
{
    (void)state;
    char device[] = "lamp", role[] = "light";
    const struct identity original = { .device = device, .role = role, .proved = true };
    struct identity *copy = identity_new(&original);
    assert_non_null(copy);
    memset(device, 'x', 4);
    memset(role, 'x', 5);
    assert_string_equal(copy->device, "lamp");
    assert_string_equal(copy->role, "light");
    assert_null(copy->tenant);
    assert_null(copy->site);
    assert_true(copy->proved);
    identity_free(copy);
    identity_free(NULL);

    struct identity *nobody = identity_new(&(struct identity){ .device = NULL });
    assert_non_null(nobody);
    assert_null(nobody->device);
    assert_false(nobody->proved);
    identity_free(nobody);
}

struct pair {
    struct identity a, b;
    bool equal;
};

static const struct pair pairs[] = {
    { { .device = "d" }, { .device = "d" }, true },
    { { .device = "d" }, { .device = "e" }, false },
    { { .device = "d" }, { .device = NULL }, false },
    { { .device = "d", .proved = true }, { .device = "d" }, false },
    { { .device = "d", .tenant = "t" }, { .device = "d" }, false },
    { { .device = "d", .tenant = "t" }, { .device = "d", .tenant = "u" }, false },
    { { .device = "d", .site = "s" }, { .device = "d", .site = "r" }, false },
    { { .device = "d", .tenant = "t", .site = "s" },
      { .device = "d", .tenant = "t", .site = "s" },
      true },
    { { .device = "d", .role = "x" }, { .device = "d", .role = "y" }, true },
    { { .role = "x" }, { .role = "y" }, false },
    { { .role = "x" }, { .role = "x" }, true },
    { { .role = "x" }, { .role = NULL }, false },
    { { .role = NULL }, { .role = NULL }, true },
};

static void equality(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(pairs); i++) {
        assert_int_equal(identity_equal(&pairs[i].a, &pairs[i].b), pairs[i].equal);
        assert_int_equal(identity_equal(&pairs[i].b, &pairs[i].a), pairs[i].equal);
        /* By text, not by address. */
        struct identity *copy = identity_new(&pairs[i].a);
        assert_non_null(copy);
        assert_true(identity_equal(copy, &pairs[i].a));
        identity_free(copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_fit_a_topic),
        cmocka_unit_test(names_end_at_their_limit),
        cmocka_unit_test(a_copy_stands_alone),
        cmocka_unit_test(equality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
