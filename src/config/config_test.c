/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- a file system of two files, and complaints in one text ---- */

struct files {
    const char *main; /* "t.conf" */
    const char *more; /* "more.conf" */
};

static int read_text(void *context, const char *path, char **out_text, size_t *out_len)
{
    const struct files *files = context;
    const char *text = strcmp(path, "dir/t.conf") == 0      ? files->main
                       : strcmp(path, "dir/more.conf") == 0 ? files->more
                                                            : NULL;
    if (text == NULL)
        return -ENOENT;
    *out_text = strdup(text);
    *out_len = strlen(text);
    return *out_text != NULL ? 0 : -ENOMEM;
}

struct complaints {
    char text[8192];
    size_t used;
};

static void on_line(void *context, const char *line)
{
    struct complaints *complaints = context;
    size_t room = sizeof(complaints->text) - complaints->used;
    int written = snprintf(complaints->text + complaints->used, room, "%s%s",
                           complaints->used == 0 ? "" : "\n", line);
    assert_in_range(written, 0, room - 1);
    complaints->used += (size_t)written;
}

static int load(const char *main, const char *more, const struct config_overrides *overrides,
                struct complaints *complaints, struct config **out)
{
    struct files texts = { main, more };
    const struct settings_files files = { &texts, read_text };
    struct diagnostics diagnostics = { on_line, complaints, 0 };

    *complaints = (struct complaints){ .used = 0 };
    return config_load(main != NULL ? "dir/t.conf" : NULL, &files, overrides, &diagnostics, out);
}

static struct config *good(const char *main, const char *more)
{
    struct complaints complaints;
    struct config *config = NULL;
    int status = load(main, more, NULL, &complaints, &config);

    assert_string_equal(complaints.text, "");
    assert_int_equal(status, 0);
    return config;
}

/* ---- what is refused, and how ---- */

static const struct {
    const char *text;
    const char *complaint; /* all lines of it */
} bad[] = {
    /* words */
    { "shardz = 2", "dir/t.conf:1: unknown word 'shardz'; did you mean 'shards'?" },
    { "role \"a\" {\n  publsh = { \"x\" }\n}",
      "dir/t.conf:2: unknown word 'publsh' in role; did you mean 'publish'?" },
    { "\n\nthermostat = 5",
      "dir/t.conf:3: unknown word 'thermostat'; see tacit.conf(5) for what may stand here" },
    { "limits {\n packet-byte = 4096\n}",
      "dir/t.conf:2: unknown word 'packet-byte' in limits; did you mean 'packet-bytes'?" },
    { "\"log|level\" = info",
      "dir/t.conf:1: keys of 'log' stand in its block; write: log { ... }" },
    { "log {}\n\"log|level\" = info",
      "dir/t.conf:2: 'level' belongs into a block of its own; write it there" },
    /* syntax */
    { "role \"a\" {\n  retain = on\n",
      "dir/t.conf:1: the { of this line is not closed; add the missing }" },
    { "role \"a\" { publish = { {",
      "dir/t.conf:1: '{' too many; lists and blocks do not nest deeper" },
    { "shards 2", "dir/t.conf:1: '=' is missing; write: shards = value" },
    { "shards = 2\n}", "dir/t.conf:2: } closes nothing; remove it" },
    { "role {\n}", "dir/t.conf:1: a name is missing; write: role \"name\" { ... }" },
    { "log format = json", "dir/t.conf:1: '{' is missing; write: log { ... }" },
    { "shards += 2", "dir/t.conf:1: 'shards' takes one value; write = instead of +=" },
    { "role \"a\" {}\nrole \"a\" {}",
      "dir/t.conf:2: there is another block named 'a'; join them or rename one" },
    { "role \"a\" { publish = { \"x\" \"y\" } }",
      "dir/t.conf:1: 'y' is out of place; a value, a ',' or a '}' is missing before it" },
    { "shards = }", "dir/t.conf:1: } closes nothing; remove it" },
    { "shards =", "dir/t.conf:2: the file ends where a value or a block is expected; add it" },
    { "log { level = }",
      "dir/t.conf:1: '}' is out of place; a value, a ',' or a '}' is missing before it" },
    { "state = \"/x", "dir/t.conf:1: a string ends with its line; close it with the quote it "
                      "began with" },
    { "/* to be\ncontinued", "dir/t.conf:1: this comment does not end; close it with */" },
    { "role \"a\" { publish = a/+/b }", "dir/t.conf:1: '+' must stand inside quotes" },
    { "# fine\n// not", "dir/t.conf:2: comments begin with #; a path with // goes into quotes" },
    { "state = \"/${HOME}\"", "dir/t.conf:1: ${...} is not expanded here; write the value, or "
                              "%{device}, %{tenant}, %{site} in a topic" },
    { "state = \"/a\\0\"", "dir/t.conf:1: unknown escape in a string; write \\\\ for a backslash" },
    { "include(\"t.conf\")",
      "dir/t.conf:1: '(' must stand inside quotes\ndir/t.conf:1: ')' must stand inside quotes" },
    { "include = none.conf", "dir/none.conf: no such file; check the name" },
    { "include = { \"t.conf\" }", "dir/t.conf:1: dir/t.conf is read already; remove this include" },
    /* values */
    { "shards = many", "dir/t.conf:1: shards = \"many\": write a whole number from 0 to 256" },
    { "shards = 257", "dir/t.conf:1: shards = \"257\": write a whole number from 0 to 256" },
    { "shards = 1\nshards = 2",
      "dir/t.conf:2: 'shards' was already set in line 1 of dir/t.conf; remove one of them" },
    { "state = \"relative\"", "dir/t.conf:1: state = \"relative\": write an absolute path" },
    { "log { level = inof }", "dir/t.conf:1: level = \"inof\": did you mean 'info'?" },
    { "log { format = xml }", "dir/t.conf:1: format = \"xml\": write one of text, json" },
    { "limits { packet-bytes = 10s }", "dir/t.conf:1: packet-bytes = \"10s\": write a number in "
                                       "bytes, or with one of B KiB MiB GiB" },
    { "limits { packet-bytes = 1 }",
      "dir/t.conf:1: packet-bytes = \"1\": write 1024 to 268435455 bytes" },
    { "limits { packet-bytes = 18446744073709551615GiB }",
      "dir/t.conf:1: packet-bytes = \"18446744073709551615GiB\": write 1024 to 268435455 bytes" },
    { "limits { connections = 5KiB }",
      "dir/t.conf:1: connections = \"5KiB\": write a number in connections" },
    /* listeners */
    { "listener \"a\" { tls = maybe }", "dir/t.conf:1: tls = \"maybe\": write on or off" },
    { "listener \"a\" { tls = off\n address = \"192.0.2.1\"\n anonymous-role = device }",
      "dir/t.conf:1: listener \"a\" without TLS can be overheard by everybody on the way; write "
      "tls = on, or address = \"127.0.0.1\", or, knowing this, plaintext = "
      "\"i-accept-eavesdropping\"" },
    { "listener \"a\" { tls = off\n anonymous-role = device }",
      "dir/t.conf:1: listener \"a\" without TLS can be overheard by everybody on the way; write "
      "tls = on, or address = \"127.0.0.1\", or, knowing this, plaintext = "
      "\"i-accept-eavesdropping\"" },
    { "listener \"a\" { tls = off address = localhost }",
      "dir/t.conf:1: listener \"a\" asks for no certificates, so nobody may come in; write "
      "anonymous-role = \"...\" to say what anybody may do" },
    { "listener \"a\" { client-certificates = none }",
      "dir/t.conf:1: listener \"a\" asks for no certificates, so nobody may come in; write "
      "anonymous-role = \"...\" to say what anybody may do, or client-certificates = required" },
    { "listener \"a\" { anonymous-role = nobody }",
      "dir/t.conf:1: listener \"a\": anonymous-role = \"nobody\" names no role; define role "
      "\"nobody\" { ... } or name another" },
    { "listener \"a\" { address = example.org }",
      "dir/t.conf:1: address = \"example.org\": write a numeric address, localhost, or \"*\" for "
      "all" },
    { "listener \"a\" { certificate = \"/c\" }",
      "dir/t.conf:1: certificate and key belong together; set both or none" },
    { "listener \"a\" { tls-min = \"1.1\" }",
      "dir/t.conf:1: tls-min = \"1.1\": did you mean '1.3'?" },
    { "listener \"a\" { plaintext = \"i-accept-eavesdropping\" }",
      "dir/t.conf:1: 'plaintext' has no meaning with TLS; remove it, or write tls = off" },
    { "listener \"a\" { path = \"x\" anonymous-role = device }",
      "dir/t.conf:1: path = \"x\": write an absolute path of at most 107 bytes" },
    { "listener \"a\" { path = \"/x\" port = 1 anonymous-role = device }",
      "dir/t.conf:1: 'port' has no meaning for a Unix socket; remove it" },
    { "listener \"a\" {}\nlistener \"b\" {}",
      "dir/t.conf:2: listener \"b\" is at the same port as \"a\"; give it another" },
    { "listener \"a b\" {}",
      "dir/t.conf:1: listener \"a b\": a name is made of letters, digits and . _ : -" },
    /* roles */
    { "role \"a\" { maximum-qos = 3 }",
      "dir/t.conf:1: maximum-qos = \"3\": write a whole number from 0 to 2" },
    { "role \"a/b\" {}", "dir/t.conf:1: role \"a/b\": a name is made of letters, digits and . _ "
                         ": -" },
    /* several at once */
    { "shards = x\nlog { level = loud }\nrole \"a\" { retain = perhaps }",
      "dir/t.conf:3: retain = \"perhaps\": write on or off\n"
      "dir/t.conf:1: shards = \"x\": write a whole number from 0 to 256\n"
      "dir/t.conf:2: level = \"loud\": write one of error, warning, notice, info, debug" },
};

static void bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct complaints complaints;
        struct config *config = NULL;
        int status = load(bad[i].text, NULL, NULL, &complaints, &config);
        assert_string_equal(complaints.text, bad[i].complaint);
        assert_int_equal(status, -EINVAL);
        assert_null(config);
    }
}

/* A pattern that the policy refuses is complained about where it stands. */
static void bad_pattern(void **state)
{
    struct complaints complaints;
    struct config *config = NULL;

    (void)state;
    int status = load("role \"a\" {\n  publish = { \"fine\",\n    \"not/#/fine\" }\n}", NULL, NULL,
                      &complaints, &config);
    assert_int_equal(status, -EINVAL);
    const char *begin = "dir/t.conf:3: publish: \"not/#/fine\": ";
    assert_memory_equal(complaints.text, begin, strlen(begin));
}

/* libconfuse's scanner is global: a file that broke off inside anything must not spoil
 * the next one. */
static void good_after_each_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        struct complaints complaints;
        struct config *config = NULL;
        assert_int_equal(load(bad[i].text, NULL, NULL, &complaints, &config), -EINVAL);
        config_unref(good("shards = 3 # three\n", NULL));
    }
}

/* ---- what is understood ---- */

static void builtin(void **state)
{
    struct config *config = good(NULL, NULL);

    (void)state;
    assert_int_equal(config->listener_count, 1);
    const struct config_listener *listener = &config->listeners[0];
    assert_string_equal(listener->name, "mqtts");
    assert_string_equal(listener->address, "");
    assert_int_equal(listener->port, 8883);
    assert_true(listener->is_tls);
    assert_false(listener->allow_tls_1_2);
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
    struct config *config = good(NULL, NULL);

    (void)state;
    assert_int_equal(subscribe(config, "device", "lamp", "devices/lamp/set"), POLICY_ALLOW);
    assert_int_equal(publish(config, "controller", "switch", "devices/lamp/set"), POLICY_ALLOW);
    assert_int_equal(publish(config, "device", "lamp", "devices/lamp/state"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "controller", "switch", "devices/lamp/state"), POLICY_ALLOW);
    assert_int_equal(subscribe(config, "admin", "admin", "$SYS/#"), POLICY_ALLOW);
    assert_int_equal(publish(config, "device", "lamp", "devices/switch/state"), POLICY_DENY);
    assert_int_equal(subscribe(config, "device", "lamp", "devices/switch/set"), POLICY_DENY);
    assert_int_equal(subscribe(config, "device", "lamp", "#"), POLICY_DENY_WILDCARD);
    assert_int_equal(subscribe(config, "controller", "switch", "devices/+/state"),
                     POLICY_DENY_WILDCARD);
    assert_int_not_equal(subscribe(config, "admin", "admin", "#"), POLICY_ALLOW);
    config_unref(config);
}

static void everything_set(void **state)
{
    struct config *config = good("state = \"/var/lib/x\"\nshards = 4\n"
                                 "log { format = json level = debug target = stderr }\n"
                                 "include = \"more.conf\"\n"
                                 "limits {\n packet-bytes = 2MiB\n connect-timeout-ms = 3s\n"
                                 " receive-maximum = 20\n}\n",
                                 "listener \"plain\" { address = \"192.0.2.1\" port = 1884\n"
                                 " tls = off plaintext = \"i-accept-eavesdropping\"\n"
                                 " anonymous-role = guest client-ids = any }\n"
                                 "listener \"unix\" { path = \"/run/t\" anonymous-role = guest }\n"
                                 "listener \"tls\" { certificate = \"/c\" key = '/k'\n"
                                 " client-ca = \"/ca\" crl = \"crl\" tls-min = \"1.2\"\n"
                                 " client-certificates = optional certificate-role = guest }\n"
                                 "role \"guest\" { subscribe = { \"a\" } wildcards = yes\n"
                                 " shared = yes retain = true maximum-qos = 1 }\n");

    (void)state;
    assert_string_equal(config->state, "/var/lib/x");
    assert_int_equal(config->shards, 4);
    assert_int_equal(config->log_format, CONFIG_LOG_JSON);
    assert_int_equal(config->log_level, CONFIG_LOG_DEBUG);
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
    assert_string_equal(config->listeners[2].file, "dir/more.conf");
    const struct role_options *options = role_options_of(policy_find_role(config->policy, "guest"));
    assert_true(options->wildcards && options->shared && options->retain);
    assert_int_equal(options->maximum_qos, 1);
    assert_null(policy_find_role(config->policy, "device"));
    config_unref(config);
}

static void overrides(void **state)
{
    const struct config_overrides given = { "/else", 1999, 7, CONFIG_LOG_JSON };
    struct complaints complaints;
    struct config *config = NULL;

    (void)state;
    assert_int_equal(load("state = \"/s\" shards = 2", NULL, &given, &complaints, &config), 0);
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
        struct config *config = good(text, NULL);
        assert_int_equal(limits_get(&config->limits, row), row->low);
        config_unref(config);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_files),           cmocka_unit_test(bad_pattern),
        cmocka_unit_test(good_after_each_bad), cmocka_unit_test(builtin),
        cmocka_unit_test(builtin_roles),       cmocka_unit_test(everything_set),
        cmocka_unit_test(overrides),           cmocka_unit_test(every_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
