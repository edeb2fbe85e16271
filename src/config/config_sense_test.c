/* SPDX-License-Identifier: Apache-2.0 */
#include "config/testing.h"

static const struct test_complaint bad[] = {
    { "sense { mode = punish }",
      "dir/t.conf:1:16: mode = \"punish\": write one of off, observe, dry-run, respond" },
    { "sense { learn = long }",
      "dir/t.conf:1:17: learn = \"long\": write a time such as 12h or 7d" },
    { "sense { window = 5 }",
      "dir/t.conf:1:9: unknown word 'window' in sense; see tacit.conf(5) for what may stand here" },
    { "sense { hook = on-alarm }",
      "dir/t.conf:1:16: hook = \"on-alarm\": write the whole path of a program, from / on" },
    { "sense { hook-timeout = 2h }", "dir/t.conf:1:24: hook-timeout is from 1s to 1h" },
    { "role \"r\" { sense = maybe }",
      "dir/t.conf:1:20: sense = \"maybe\": write one of on, alert-only, off" },
};

static void what_is_wrong_is_said(void **state)
{
    (void)state;
    test_refuses(bad, MQTT_ARRAY_LEN(bad));
}

static void without_a_word_it_observes(void **state)
{
    struct config *config = test_load_good("role \"r\" { }", NULL);

    (void)state;
    assert_int_equal(config->sense.mode, CONFIG_SENSE_OBSERVE);
    assert_int_equal(config->sense.learn_s, 86400);
    assert_int_equal(config->sense.shape_s, 86400);
    assert_int_equal(config->sense.prove_s, 86400);
    assert_int_equal(config->sense.quarantine_s, 3600);
    assert_null(config->sense.hook.path);
    assert_int_equal(config->sense.hook.timeout_s, 10);
    assert_int_equal(config_find_role(config, "r")->options.sense, POLICY_SENSE_ON);
    config_unref(config);
}

static void all_can_be_said(void **state)
{
    struct config *config =
        test_load_good("sense { mode = off learn = 7d shape = 12h prove = 30s }\n"
                       "role \"a\" { sense = off }\nrole \"b\" { sense = alert-only }",
                       NULL);

    (void)state;
    assert_int_equal(config->sense.mode, CONFIG_SENSE_OFF);
    assert_int_equal(config->sense.learn_s, 7 * 86400);
    assert_int_equal(config->sense.shape_s, 12 * 3600);
    assert_int_equal(config->sense.prove_s, 30);
    assert_int_equal(config_find_role(config, "a")->options.sense, POLICY_SENSE_OFF);
    assert_int_equal(config_find_role(config, "b")->options.sense, POLICY_SENSE_ALERT_ONLY);
    config_unref(config);
}

static void it_may_respond(void **state)
{
    struct config *config = test_load_good("sense { mode = respond quarantine-for = 2d }", NULL);

    (void)state;
    assert_int_equal(config->sense.mode, CONFIG_SENSE_RESPOND);
    assert_int_equal(config->sense.quarantine_s, 2 * 86400);
    config_unref(config);
    config = test_load_good("sense { mode = dry-run }", NULL);
    assert_int_equal(config->sense.mode, CONFIG_SENSE_DRY_RUN);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(without_a_word_it_observes),
        cmocka_unit_test(all_can_be_said),
        cmocka_unit_test(it_may_respond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
