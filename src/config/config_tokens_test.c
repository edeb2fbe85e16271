/* SPDX-License-Identifier: Apache-2.0 */
#include "config/testing.h"

#define START "listener \"a\" { client-certificates = optional\n tokens { "
#define END   " } }"

static const struct test_complaint bad[] = {
    { START "issuer = i audience = b role = device" END,
      "dir/t.conf:2:2: tokens: 'key' is missing; write it" },
    { START "key = k audience = b role = device" END,
      "dir/t.conf:2:2: tokens: 'issuer' is missing; write it" },
    { START "key = k issuer = i role = device" END,
      "dir/t.conf:2:2: tokens: 'audience' is missing; write it" },
    { START "key = k issuer = i audience = b" END,
      "dir/t.conf:2:2: tokens: write role = \"...\", or role-claim = \"...\" for a claim that "
      "names it; one of them" },
    { START "key = k issuer = i audience = b role = device role-claim = r" END,
      "dir/t.conf:2:2: tokens: write role = \"...\", or role-claim = \"...\" for a claim that "
      "names it; one of them" },
    { START "key = \"\" issuer = i audience = b role = device" END,
      "dir/t.conf:2:17: 'key' is empty; write a value or remove it" },
    { "listener \"a\" { tls = off address = localhost\n"
      " tokens { key = k issuer = i audience = b role = device } }",
      "dir/t.conf:2:2: tokens without TLS would be overheard; write tls = on" },
    { "listener \"a\" {\n tokens { key = k issuer = i audience = b role = device } }",
      "dir/t.conf:1:1: listener \"a\" takes passwords or tokens, but lets nobody in without a "
      "certificate; write client-certificates = optional" },
};

static void bad_blocks(void **state)
{
    (void)state;
    test_refuses(bad, MQTT_ARRAY_LEN(bad));
}

static void good_blocks(void **state)
{
    struct config *config = test_load_good(
        START "key = k.pem issuer = i audience = b role = device }\n"
              " tokens { key = \"/k\" issuer = j audience = c role-claim = r name-claim = n "
              "tenant-claim = t site-claim = s" END,
        NULL);
    const struct config_listener *listener = &config->listeners[0];

    (void)state;
    assert_int_equal(listener->token_count, 2);
    assert_string_equal(listener->tokens[0].key, "dir/k.pem");
    assert_string_equal(listener->tokens[0].issuer, "i");
    assert_string_equal(listener->tokens[0].role, "device");
    assert_string_equal(listener->tokens[0].name_claim, "sub");
    assert_null(listener->tokens[0].role_claim);
    assert_string_equal(listener->tokens[1].key, "/k");
    assert_string_equal(listener->tokens[1].audience, "c");
    assert_null(listener->tokens[1].role);
    assert_string_equal(listener->tokens[1].role_claim, "r");
    assert_string_equal(listener->tokens[1].name_claim, "n");
    assert_string_equal(listener->tokens[1].tenant_claim, "t");
    assert_string_equal(listener->tokens[1].site_claim, "s");
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_blocks),
        cmocka_unit_test(good_blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
