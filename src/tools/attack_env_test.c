/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_env.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void guards_other_peoples_brokers(void **state)
{
    static const struct {
        const char *address, *host, *i_own;
        bool is_allowed;
    } rows[] = {
        { "127.0.0.1", "localhost", NULL, true },
        { "10.1.2.3", "broker.lan", NULL, true },
        { "fd00::1", "broker.lan", NULL, true },
        { "93.184.216.34", "example.org", NULL, false },
        { "93.184.216.34", "example.org", "example.org", true },
        { "93.184.216.34", "Example.ORG", "example.org", true },
        { "93.184.216.34", "example.org", "example", false },
        { "93.184.216.34", "example.org", "example.org.evil", false },
        { "93.184.216.34", "example.org", "93.184.216.34", false },
        { "93.184.216.34", "example.org", "", false },
        { "93.184.216.34", "93.184.216.34", "93.184.216.34", true },
        { "169.254.169.254", "metadata", NULL, false },
        { "2001:db8::1", "example.org", NULL, false },
        { "", "example.org", NULL, false },
    };
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_int_equal(attack_env_is_allowed(rows[i].address, rows[i].host, rows[i].i_own),
                         rows[i].is_allowed);
}

static void makes_up_topics(void **state)
{
    const struct attack_env env = { .tag = "abc123" };
    char topic[ATTACK_TOPIC_SIZE];
    (void)state;
    attack_env_made_up_topic(&env, "bait", topic);
    assert_string_equal(topic, "tacit-attack/abc123/bait");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(guards_other_peoples_brokers),
        cmocka_unit_test(makes_up_topics),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
