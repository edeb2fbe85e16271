/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/event_log.h"

#include "base/testing.h"
#include "daemon/portrait.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* The line that the event makes on standard error. */
static void written_with_key(const struct event *event, const struct identity_extension *key,
                             enum config_log_format format, char *out)
{
    int ends[2];
    int terminal = dup(STDERR_FILENO);
    struct log *log = log_new(format, CONFIG_LOG_DEBUG);

    assert_non_null(log);
    assert_true(terminal >= 0);
    assert_int_equal(pipe(ends), 0);
    assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
    event_log_connected(log, event, key);
    assert_true(dup2(terminal, STDERR_FILENO) >= 0);
    close(terminal);
    close(ends[1]);
    ssize_t len = read(ends[0], out, LOG_LINE_BYTES);
    close(ends[0]);
    log_free(log);
    assert_in_range(len, 1, LOG_LINE_BYTES);
    out[len] = '\0';
}

static void written(const struct event *event, enum config_log_format format, char *out)
{
    written_with_key(event, NULL, format, out);
}

static const struct policy_scope scope = {
    .prefix = "home/kitchen/",
    .depth = 2,
    .most_topics = 500,
    .expires_s = 1798106400,
    .owner = "olga",
    .reason = "the \"fair\"",
    .origin = { "roles.conf", 12, 3 },
};

static const struct identity identity = { "wall", "acme", NULL, "panel", true };
static const struct tls_peer peer = { .common_name = "wall" };
static const struct connection_facts facts = { .listener = "mqtts",
                                               .address = "192.0.2.1:40000",
                                               .peer = &peer };

static struct event about(enum event_kind kind, const struct policy_scope *grant)
{
    return (struct event){ .kind = kind,
                           .facts = &facts,
                           .client_id = span_of("wall-1"),
                           .identity = &identity,
                           .topic = span_of("home/kitchen/+"),
                           .scope = grant };
}

static const char *field(const json_t *line, const char *key)
{
    const char *value = json_string_value(json_object_get(line, key));
    return value != NULL ? value : "";
}

static void a_use_of_a_grant_is_recorded_whole(void **state)
{
    static const char *const fields[][2] = {
        { "level", "notice" },
        { "event", "grant-used" },
        { "client", "wall-1" },
        { "device", "wall" },
        { "tenant", "acme" },
        { "role", "panel" },
        { "address", "192.0.2.1:40000" },
        { "topic", "home/kitchen/+" },
        { "grant_prefix", "home/kitchen/" },
        { "grant_owner", "olga" },
        { "grant_reason", "the \"fair\"" },
        { "grant_expires", "2026-12-24T10:00:00Z" },
        { "grant_origin", "roles.conf:12" },
    };
    struct event event = about(EVENT_GRANT_USED, &scope);
    char out[LOG_LINE_BYTES + 1];
    json_error_t error;

    (void)state;
    written(&event, CONFIG_LOG_JSON, out);
    json_t *line = json_loads(out, 0, &error);
    assert_non_null(line);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(fields); i++)
        assert_string_equal(field(line, fields[i][0]), fields[i][1]);
    json_decref(line);
    written(&event, CONFIG_LOG_TEXT, out);
    assert_non_null(strstr(out, "client \"wall-1\" uses a wildcard grant for \"home/kitchen/+\" "
                                "(192.0.2.1:40000, device wall, role panel, listener mqtts); "
                                "wildcards { prefix = \"home/kitchen/\" owner = \"olga\" reason = "
                                "\"the \"fair\"\" }, expires 2026-12-24T10:00:00Z, roles.conf:12"));
}

static void kinds_have_their_words(void **state)
{
    static const struct {
        enum event_kind kind;
        const struct policy_scope *scope;
        const char *event;
        const char *level;
        const char *words;
    } rows[] = {
        { EVENT_SUBSCRIPTION_ENDED, NULL, "subscription-ended", "notice",
          "loses its subscription to \"home/kitchen/+\"" },
        { EVENT_SCOPE_FULL, &scope, "scope-full", "warning", "does not get \"home/kitchen/+\"" },
        { EVENT_HELD, NULL, "held", "notice", "client \"wall-1\" is held" },
        { EVENT_CONNECTED, NULL, "connected", "info", "client \"wall-1\" connected" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct event event = about(rows[i].kind, rows[i].scope);
        char out[LOG_LINE_BYTES + 1];
        json_error_t error;
        written(&event, CONFIG_LOG_JSON, out);
        json_t *line = json_loads(out, 0, &error);
        assert_non_null(line);
        assert_string_equal(field(line, "event"), rows[i].event);
        assert_string_equal(field(line, "level"), rows[i].level);
        assert_non_null(strstr(field(line, "text"), rows[i].words));
        assert_string_equal(field(line, "grant_owner"), rows[i].scope != NULL ? "olga" : "");
        json_decref(line);
    }
}

static json_t *line_of(const struct event *event)
{
    char out[LOG_LINE_BYTES + 1];
    json_error_t error;

    written(event, CONFIG_LOG_JSON, out);
    json_t *line = json_loads(out, 0, &error);
    assert_non_null(line);
    return line;
}

static void a_transport_is_what_is_known_of_it(void **state)
{
    static struct tls_agreed tls = { "TLSv1.3", "TLS_AES_128_GCM_SHA256", true, true, { 0 } };
    static struct connection_opening plain = { .is_tls = false };
    static struct connection_opening greeting = { .is_tls = true };
    static const struct {
        struct connection_facts facts;
        const char *expected;
    } rows[] = {
        { { .listener = "a", .address = "[::1]:1" }, "plaintext" },
        { { .listener = "a", .address = "[::1]:1", .opening = &plain }, "plaintext" },
        { { .listener = "a", .address = "", .opening = &greeting }, "tls" },
        { { .listener = "a", .address = "[::1]:1", .tls = &tls, .opening = &greeting }, "tls" },
        { { .listener = "a", .address = "[::1]:1", .tls = &tls }, "tls" },
        { { .listener = "a", .address = "unix" }, "unix" },
        { { .listener = "a", .address = "unix", .tls = &tls }, "unix" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct event event = { .kind = EVENT_REFUSED, .facts = &rows[i].facts };
        json_t *line = line_of(&event);
        assert_string_equal(field(line, "transport"), rows[i].expected);
        json_decref(line);
    }
}

static void who_is_refused_has_only_claimed_its_name(void **state)
{
    struct tls_agreed tls = { "TLSv1.3", "TLS_AES_128_GCM_SHA256", true, true, { 0xab } };
    const struct connection_facts over_tls = { .listener = "mqtts", .address = "a", .tls = &tls };
    struct event event = { .kind = EVENT_REFUSED,
                           .facts = &over_tls,
                           .version = MQTT_VERSION_3_1_1,
                           .claimed_id = span_of("a\"b") };

    (void)state;
    json_t *line = line_of(&event);
    assert_string_equal(field(line, "client"), "");
    assert_string_equal(field(line, "claimed_client"), "a\"b");
    assert_string_equal(field(line, "protocol"), "3.1.1");
    assert_string_equal(field(line, "tls"), "TLSv1.3");
    assert_string_equal(field(line, "cipher"), "TLS_AES_128_GCM_SHA256");
    assert_string_equal(field(line, "resumed"), "yes");
    assert_string_equal(field(line, "client_hello"), "ab000000000000000000000000000000");
    assert_string_equal(field(line, "key_protection"), "");
    json_decref(line);
    tls = (struct tls_agreed){ 0 }; /* before the handshake is over */
    line = line_of(&event);
    assert_string_equal(field(line, "tls"), "");
    assert_string_equal(field(line, "client_hello"), "");
    json_decref(line);
}

static void a_key_is_as_well_kept_as_is_known(void **state)
{
    static const struct identity_extension kept = { .protection = KEY_PROTECTION_TPM,
                                                    .is_attested = true };
    struct event event = about(EVENT_CONNECTED, NULL);
    char out[LOG_LINE_BYTES + 1];

    (void)state;
    json_t *line = line_of(&event);
    assert_string_equal(field(line, "key_protection"), "unknown");
    assert_string_equal(field(line, "key_attested"), "no");
    assert_string_equal(field(line, "protocol"), "");
    json_decref(line);
    written_with_key(&event, &kept, CONFIG_LOG_JSON, out);
    assert_non_null(strstr(out, "\"key_protection\":\"tpm\""));
    assert_non_null(strstr(out, "\"key_attested\":\"yes\""));
}

static const struct portrait here = { .address = "192.0.2.1:40000",
                                      .serial = "0a",
                                      .since_s = 1798106400 };
static const struct portrait there = { .address = "192.0.2.9:50000",
                                       .serial = "0b",
                                       .since_s = 1798106300 };

static struct event_clone clone_with(enum policy_clone done)
{
    return (struct event_clone){
        .key = { (const uint8_t *)"\xab\xcd", 2 },
        .note = { (const uint8_t *)&here, sizeof(here) },
        .other_client_id = span_of("wall-2"),
        .other_note = { (const uint8_t *)&there, sizeof(there) },
        .done = done,
    };
}

static void a_clone_is_told_with_both_ends(void **state)
{
    static const char *const fields[][2] = {
        { "level", "warning" },
        { "event", "clone" },
        { "client", "wall-1" },
        { "device", "wall" },
        { "address", "192.0.2.1:40000" },
        { "since", "2026-12-24T10:00:00Z" },
        { "serial", "0a" },
        { "key_sha256", "abcd" },
        { "other_client", "wall-2" },
        { "other_address", "192.0.2.9:50000" },
        { "other_since", "2026-12-24T09:58:20Z" },
        { "other_serial", "0b" },
        { "done", "hold" },
        { "undo", "tacit device release wall" },
    };
    const struct event_clone clone = clone_with(POLICY_CLONE_HOLD);
    struct event event = about(EVENT_CLONE, NULL);
    char out[LOG_LINE_BYTES + 1];

    (void)state;
    event.topic = (struct mqtt_span){ 0 };
    event.text = "why";
    event.clone = &clone;
    written(&event, CONFIG_LOG_JSON, out);
    json_t *line = json_loads(out, 0, NULL);
    assert_non_null(line);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(fields); i++)
        assert_string_equal(field(line, fields[i][0]), fields[i][1]);
    json_decref(line);
    written(&event, CONFIG_LOG_TEXT, out);
    assert_non_null(
        strstr(out, "client \"wall-1\" has a clone (192.0.2.1:40000, device wall, role panel, "
                    "listener mqtts): why; the other: client \"wall-2\" (192.0.2.9:50000, since "
                    "2026-12-24T09:58:20Z); all its connections are held until tacit device "
                    "release wall; this one since 2026-12-24T10:00:00Z; certificates 0b and 0a, "
                    "key SHA-256 abcd"));
}

/* The other one may have gone; what is not held needs no release. */
static void a_clone_may_have_one_end(void **state)
{
    struct event_clone clone = clone_with(POLICY_CLONE_KEEP_FIRST);
    struct event event = about(EVENT_CLONE, NULL);
    char out[LOG_LINE_BYTES + 1];

    (void)state;
    event.clone = &clone;
    clone.other_note = clone.other_client_id = (struct mqtt_span){ 0 };
    written(&event, CONFIG_LOG_TEXT, out);
    assert_non_null(strstr(out, "the other: client \"\" (gone, since ); the new one is refused; "));
    assert_null(strstr(out, "release"));
}

static void a_grant_without_an_end_says_so(void **state)
{
    struct policy_scope endless = scope;
    struct event event = about(EVENT_GRANT_USED, &endless);
    char out[LOG_LINE_BYTES + 1];

    (void)state;
    endless.expires_s = 0;
    written(&event, CONFIG_LOG_TEXT, out);
    assert_non_null(strstr(out, "expires never"));
}

/* The longest names that the standard and the configuration allow. */
static void long_names_are_cut_and_forge_no_line(void **state)
{
    static char filter[65536];
    static char words[5000];
    struct policy_scope long_scope = scope;
    char out[LOG_LINE_BYTES + 1];

    (void)state;
    memset(filter, '\n', sizeof(filter) - 1);
    memset(words, '"', sizeof(words) - 1);
    long_scope.prefix = long_scope.owner = long_scope.reason = long_scope.origin.file = words;
    struct event event = about(EVENT_GRANT_USED, &long_scope);
    event.topic = span_of(filter);
    event.client_id = span_of(filter);
    for (unsigned format = 0; format < 2; format++) {
        written(&event, (enum config_log_format)format, out);
        assert_ptr_equal(strchr(out, '\n'), out + strlen(out) - 1);
    }
    json_error_t error;
    json_t *line = json_loads(out, 0, &error);
    assert_non_null(line);
    assert_string_equal(field(line, "event"), "grant-used");
    json_decref(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_use_of_a_grant_is_recorded_whole),
        cmocka_unit_test(kinds_have_their_words),
        cmocka_unit_test(a_transport_is_what_is_known_of_it),
        cmocka_unit_test(who_is_refused_has_only_claimed_its_name),
        cmocka_unit_test(a_key_is_as_well_kept_as_is_known),
        cmocka_unit_test(a_clone_is_told_with_both_ends),
        cmocka_unit_test(a_clone_may_have_one_end),
        cmocka_unit_test(a_grant_without_an_end_says_so),
        cmocka_unit_test(long_names_are_cut_and_forge_no_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
