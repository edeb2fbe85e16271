/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/testing.h"

static const struct test_complaint bad[] = {
    /* values */
    { "shards = many", "dir/t.conf:1:10: shards = \"many\": write a whole number from 0 to 256" },
    { "shards = 257", "dir/t.conf:1:10: shards = \"257\": write a whole number from 0 to 256" },
    { "shards = -1", "dir/t.conf:1:10: shards = \"-1\": write a whole number from 0 to 256" },
    { "shards = \"\"", "dir/t.conf:1:10: shards = \"\": write a whole number from 0 to 256" },
    { "state = \"relative\"", "dir/t.conf:1:9: state = \"relative\": write an absolute path" },
    { "sandbox = maybe", "dir/t.conf:1:11: sandbox = \"maybe\": write one of required, on, off" },
    { "sandbox-read = { \"\" }",
      "dir/t.conf:1:18: 'sandbox-read' is empty; write a value or remove it" },
    { "user = \"\"", "dir/t.conf:1:8: 'user' is empty; write a value or remove it" },
    { "log { level = inof }", "dir/t.conf:1:15: level = \"inof\": did you mean 'info'?" },
    { "log { format = xml }", "dir/t.conf:1:16: format = \"xml\": write one of text, json" },
    { "limits { packet-bytes = 10s }",
      "dir/t.conf:1:25: packet-bytes = \"10s\": write a number in bytes, or with one of "
      "B KiB MiB GiB" },
    { "limits { packet-bytes = 1 }",
      "dir/t.conf:1:25: packet-bytes = \"1\": write 1024 to 268435455 bytes" },
    { "limits { packet-bytes = 18446744073709551615GiB }",
      "dir/t.conf:1:25: packet-bytes = \"18446744073709551615GiB\": write 1024 to 268435455 "
      "bytes" },
    { "limits { connections = 5KiB }",
      "dir/t.conf:1:24: connections = \"5KiB\": write a number in connections" },
    /* the audit log, the CA */
    { "audit { log = offf }", "dir/t.conf:1:15: log = \"offf\": did you mean 'off'?" },
    { "audit { forward = mail }",
      "dir/t.conf:1:19: forward = \"mail\": write one of none, syslog, journal" },
    { "audit { forward-socket = \"/run/log\" }",
      "dir/t.conf:1:26: forward-socket without forward = journal or syslog" },
    { "audit { forward = syslog forward-socket = \"run/log\" }",
      "dir/t.conf:1:43: forward-socket = \"run/log\": write an absolute path of less than 108 "
      "bytes" },
    { "ca { key = \"file.pem\" }",
      "dir/t.conf:1:12: key = \"file.pem\": write pkcs11:token=...;object=...?pin-source="
      "file:PATH; the PIN itself does not belong here" },
    { "ca { key = \"pkcs11:token=t?pin-value=1234\" }",
      "dir/t.conf:1:12: key = \"pkcs11:...\": write pkcs11:token=...;object=...?pin-source="
      "file:PATH; the PIN itself does not belong here" },
    { "ca { passphrase-file = \"\" }",
      "dir/t.conf:1:24: 'passphrase-file' is empty; write a value or remove it" },
    /* listeners */
    { "listener \"a\" { tls = maybe }", "dir/t.conf:1:22: tls = \"maybe\": write on or off" },
    { "listener \"a\" { tls = off\n"
      " address = \"192.0.2.1\"\n"
      " anonymous-role = device }",
      "dir/t.conf:1:1: listener \"a\" without TLS can be overheard by everybody on the "
      "way; write tls = on, or address = \"127.0.0.1\", or, knowing this, plaintext = "
      "\"i-accept-eavesdropping\"" },
    { "listener \"a\" { tls = off\n"
      " anonymous-role = device }",
      "dir/t.conf:1:1: listener \"a\" without TLS can be overheard by everybody on the "
      "way; write tls = on, or address = \"127.0.0.1\", or, knowing this, plaintext = "
      "\"i-accept-eavesdropping\"" },
    { "listener \"a\" { tls = off address = localhost }",
      "dir/t.conf:1:1: listener \"a\" asks for no certificates, so nobody may come in; "
      "write anonymous-role = \"...\" to say what anybody may do" },
    { "listener \"a\" { client-certificates = none }",
      "dir/t.conf:1:1: listener \"a\" asks for no certificates, so nobody may come in; "
      "write anonymous-role = \"...\" to say what anybody may do, client-certificates = "
      "required, or passwords = on" },
    { "listener \"a\" { passwords = maybe }",
      "dir/t.conf:1:28: passwords = \"maybe\": write one of off, on, scram" },
    { "listener \"a\" { passwords = on }",
      "dir/t.conf:1:1: listener \"a\" takes passwords or tokens, but lets nobody in without a "
      "certificate; write client-certificates = optional" },
    { "listener \"a\" { tls = off address = localhost passwords = on }",
      "dir/t.conf:1:58: passwords = on without TLS would be overheard; write tls = on, or "
      "passwords = scram, which sends none" },
    { "listener \"a\" { anonymous-role = nobody }",
      "dir/t.conf:1:33: anonymous-role = \"nobody\" names no role; define role \"nobody\" "
      "{ ... } or name another" },
    { "listener \"a\" {\n"
      "  certificate-role = devcie\n"
      "}",
      "dir/t.conf:2:22: certificate-role = \"devcie\" names no role; did you mean \"device\"?" },
    { "listener \"a\" { address = example.org }",
      "dir/t.conf:1:26: address = \"example.org\": write a numeric address, localhost, "
      "or \"*\" for all" },
    { "listener \"a\" { certificate = \"/c\" }",
      "dir/t.conf:1:30: certificate and key belong together; set both or none" },
    { "listener \"a\" { tls-min = \"1.1\" }",
      "dir/t.conf:1:26: tls-min = \"1.1\": did you mean '1.3'?" },
    { "listener \"a\" { tls-detach = ever }",
      "dir/t.conf:1:29: tls-detach = \"ever\": write one of off, on, always" },
    { "tls-detach = onn", "dir/t.conf:1:14: tls-detach = \"onn\": did you mean 'on'?" },
    { "listener \"a\" { tls = off tls-detach = on address = localhost anonymous-role = device "
      "}",
      "dir/t.conf:1:39: 'tls-detach' has no meaning without TLS; remove it, or write tls = on" },
    { "listener \"a\" { plaintext = \"i-accept-eavesdropping\" }",
      "dir/t.conf:1:28: 'plaintext' has no meaning with TLS; remove it, or write tls = "
      "off" },
    { "listener \"a\" { tls = off crl = x address = localhost anonymous-role = device "
      "}",
      "dir/t.conf:1:32: 'crl' has no meaning without TLS; remove it, or write tls = on" },
    { "listener \"a\" { crl-stale = accept }",
      "dir/t.conf:1:28: 'crl-stale' has no meaning without 'crl'; remove it, or name a list" },
    { "listener \"a\" { path = \"x\" anonymous-role = device }",
      "dir/t.conf:1:23: path = \"x\": write an absolute path of at most 107 bytes" },
    { "listener \"a\" { path = \"/x\" port = 1 anonymous-role = device }",
      "dir/t.conf:1:35: 'port' has no meaning for a Unix socket; remove it" },
    { "listener \"a\" {}\n"
      "listener \"b\" {}",
      "dir/t.conf:2:1: listener \"b\" is at the same port as \"a\"; give it another" },
    { "listener \"a b\" {}",
      "dir/t.conf:1:1: listener \"a b\": a name is made of letters, digits and . _ : -" },
    { "listener \"a\" { crl = \"\" }",
      "dir/t.conf:1:22: 'crl' is empty; write a value or remove it" },
    /* several at once */
    { "shards = x\n"
      "log { level = loud }\n"
      "role \"a\" { retain = perhaps }",
      "dir/t.conf:3:21: retain = \"perhaps\": write on or off\n"
      "dir/t.conf:1:10: shards = \"x\": write a whole number from 0 to 256\n"
      "dir/t.conf:2:15: level = \"loud\": write one of error, warning, notice, info, debug" },
};

static void bad_values(void **state)
{
    (void)state;
    test_refuses(bad, MQTT_ARRAY_LEN(bad));
}

/* ---- what is understood ---- */

/* What stands outside is for those that say nothing, the built-in one too. */
static void detach_of_listeners(void **state)
{
    static const struct {
        const char *text;
        enum config_detach expected;
    } rows[] = {
        { "listener \"a\" { }\n", CONFIG_DETACH_ALWAYS },
        { "tls-detach = off\n", CONFIG_DETACH_OFF },
        { "tls-detach = on\n", CONFIG_DETACH_IDLE },
        { "tls-detach = always\n", CONFIG_DETACH_ALWAYS },
        { "listener \"a\" { tls-detach = on }\n", CONFIG_DETACH_IDLE },
        { "listener \"a\" { }\ntls-detach = on\n", CONFIG_DETACH_IDLE },
        { "tls-detach = on\nlistener \"a\" { tls-detach = off }\n", CONFIG_DETACH_OFF },
        { "tls-detach = on\nlistener \"a\" { tls-detach = always }\n", CONFIG_DETACH_ALWAYS },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct config *config = test_load_good(rows[i].text, NULL);
        assert_int_equal(config->listeners[0].detach, rows[i].expected);
        config_unref(config);
    }
}

static void builtin(void **state)
{
    struct config *config = test_load_good(NULL, NULL);

    (void)state;
    assert_int_equal(config->listener_count, 1);
    const struct config_listener *listener = &config->listeners[0];
    assert_string_equal(listener->name, "mqtts");
    assert_string_equal(listener->address, "");
    assert_int_equal(listener->port, 8883);
    assert_true(listener->is_tls);
    assert_false(listener->allow_tls_1_2);
    assert_int_equal(listener->detach, CONFIG_DETACH_ALWAYS);
    assert_int_equal(listener->clients, CONFIG_CLIENTS_REQUIRED);
    assert_null(listener->anonymous_role);
    assert_null(listener->certificate_role);
    assert_non_null(policy_find_role(config->policy, "device"));
    assert_non_null(policy_find_role(config->policy, "admin"));
    assert_false(config->announces_receive_maximum);
    config_unref(config);
}

static enum policy_verdict subscribe(const struct config *config, const char *role,
                                     const char *device, const char *filter)
{
    const struct identity identity = { .device = device, .role = role, .proved = true };
    return policy_decide_subscribe(policy_find_role(config->policy, role), &identity,
                                   span_of(filter))
        .verdict;
}

static enum policy_verdict publish(const struct config *config, const char *role,
                                   const char *device, const char *topic)
{
    const struct identity identity = { .device = device, .role = role, .proved = true };
    return policy_decide_publish(policy_find_role(config->policy, role), &identity, span_of(topic))
        .verdict;
}

/* The tour of the README: a switch tells a lamp what to do, and reads what it tells. */
static void builtin_roles(void **state)
{
    struct config *config = test_load_good(NULL, NULL);

    (void)state;
    assert_int_equal(subscribe(config, "device", "lamp", "devices/lamp/set"), POLICY_ALLOW);
    assert_int_equal(publish(config, "controller", "switch", "devices/lamp/set"), POLICY_ALLOW);
    assert_int_equal(publish(config, "device", "lamp", "devices/lamp/state"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "controller", "switch", "devices/lamp/state"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "admin", "admin", "$SYS/#"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "admin", "admin", "$tacit/events/#"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "admin", "admin", "devices/#"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "admin", "admin", "devices/+/state"), POLICY_ALLOW);
    assert_int_equal(publish(config, "device", "lamp", "devices/switch/state"), POLICY_DENY);
    assert_int_equal(subscribe(config, "device", "lamp", "devices/switch/set"), POLICY_DENY);
    assert_int_not_equal(subscribe(config, "device", "lamp", "#"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "controller", "switch", "devices/+/state"),
                     POLICY_DENY_WILDCARD);
    assert_int_not_equal(subscribe(config, "admin", "admin", "#"), POLICY_ALLOW);
    config_unref(config);
}

static void everything_set(void **state)
{
    struct config *config =
        test_load_good("state = \"/var/lib/x\"\nshards = 4\n"
                       "audit { log = required forward = journal forward-socket = \"/run/j\" }\n"
                       "log { format = json level = debug target = stderr }\n"
                       "include = \"more.conf\"\n"
                       "limits {\n packet-bytes = 2MiB\n connect-timeout-ms = 3s\n"
                       " receive-maximum = 20\n}\n",
                       "listener \"plain\" { address = \"192.0.2.1\" port = 1884\n"
                       " tls = off plaintext = \"i-accept-eavesdropping\"\n"
                       " anonymous-role = guest client-ids = any }\n"
                       "listener \"unix\" { path = \"/run/t\" anonymous-role = guest }\n"
                       "listener \"tls\" { certificate = \"/c\" key = '/k'\n"
                       " client-ca = \"/ca\" crl = \"crl\" crl-stale = accept tls-min = \"1.2\"\n"
                       " client-certificates = optional certificate-role = guest }\n"
                       "role \"guest\" { subscribe = { \"a\" }\n"
                       " shared = yes retain = true maximum-qos = 1 }\n");

    (void)state;
    assert_string_equal(config->state, "/var/lib/x");
    assert_int_equal(config->shards, 4);
    assert_int_equal(config->log_format, CONFIG_LOG_JSON);
    assert_int_equal(config->log_level, CONFIG_LOG_DEBUG);
    assert_int_equal(config->audit.log, CONFIG_AUDIT_REQUIRED);
    assert_int_equal(config->audit.target.forward, CONFIG_FORWARD_JOURNAL);
    assert_string_equal(config->audit.target.path, "/run/j");
    assert_int_equal(config->limits.packet_bytes, 2 * 1048576);
    assert_int_equal(config->limits.connect_timeout_ms, 3000);
    assert_true(config->announces_receive_maximum);
    assert_int_equal(config->listener_count, 3);
    assert_true(config->listeners[0].is_exposed);
    assert_true(config->listeners[0].client_ids_are_free);
    assert_int_equal(config->listeners[0].port, 1884);
    assert_string_equal(config->listeners[1].path, "/run/t");
    assert_true(config->listeners[2].allow_tls_1_2);
    assert_int_equal(config->listeners[2].clients, CONFIG_CLIENTS_OPTIONAL);
    assert_string_equal(config->listeners[2].crl, "dir/crl");
    assert_true(config->listeners[2].accepts_stale_crl);
    assert_false(config->listeners[0].accepts_stale_crl);
    assert_string_equal(config->listeners[2].file, "dir/more.conf");
    const struct role_options *options = role_options_of(policy_find_role(config->policy, "guest"));
    assert_true(options->shared && options->terms.retain);
    assert_int_equal(options->terms.maximum_qos, 1);
    assert_int_equal(config->listeners[2].line, 5);
    assert_int_equal(config->listeners[2].column, 1);
    assert_null(policy_find_role(config->policy, "device"));
    config_unref(config);
}

static void passwords(void **state)
{
    struct config *config =
        test_load_good("listener \"tls\" { client-certificates = none passwords = on }\n"
                       "listener \"plain\" { tls = off address = localhost passwords = scram }\n"
                       "listener \"unix\" { path = \"/run/t\" passwords = on }\n"
                       "listener \"off\" { port = 8884 passwords = off }\n",
                       NULL);

    (void)state;
    assert_int_equal(config->listeners[0].passwords, CONFIG_PASSWORDS_ON);
    assert_int_equal(config->listeners[1].passwords, CONFIG_PASSWORDS_SCRAM);
    assert_int_equal(config->listeners[2].passwords, CONFIG_PASSWORDS_ON);
    assert_int_equal(config->listeners[3].passwords, CONFIG_PASSWORDS_OFF);
    config_unref(config);
}

static void overrides(void **state)
{
    const struct config_overrides given = { "/else", 1999, 7, CONFIG_LOG_JSON };
    const struct test_files texts = { "state = \"/s\" shards = 2", NULL };
    struct test_complaints complaints;
    struct config *config = NULL;

    (void)state;
    assert_int_equal(test_load(&texts, &given, &complaints, &config), 0);
    assert_string_equal(config->state, "/else");
    assert_int_equal(config->listeners[0].port, 1999);
    assert_int_equal(config->shards, 7);
    assert_int_equal(config->log_format, CONFIG_LOG_JSON);
    config_unref(config);
}

/* Every row of limits.def can be set by its name. */
static void every_limit(void **state)
{
    (void)state;
    for (size_t i = 0; i < limits_count(); i++) {
        const struct limit_row *row = limits_row(i);
        char text[160];
        snprintf(text, sizeof(text), "limits { %s = %llu }", row->name,
                 (unsigned long long)row->low);
        for (char *at = text; *at != '\0'; at++)
            *at = *at == '_' ? '-' : *at;
        struct config *config = test_load_good(text, NULL);
        assert_int_equal(limits_get(&config->limits, row), row->low);
        config_unref(config);
    }
}

/* A listener of the built-in configuration says that it is. */
static void builtin_places(void **state)
{
    struct config *config = test_load_good("role \"a\" { }", NULL);

    (void)state;
    assert_string_equal(config->listeners[0].file, "built-in configuration");
    assert_string_equal(config->roles[0].origin.file, "dir/t.conf");
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_values),          cmocka_unit_test(builtin),
        cmocka_unit_test(detach_of_listeners), cmocka_unit_test(builtin_roles),
        cmocka_unit_test(builtin_places),      cmocka_unit_test(everything_set),
        cmocka_unit_test(passwords),           cmocka_unit_test(overrides),
        cmocka_unit_test(every_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
