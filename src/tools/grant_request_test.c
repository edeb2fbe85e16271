/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/grant_request.h"

#include "base/attrs.h"
#include "tools/identity_options.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S 1798000000 /* 2026-12-23 */

/* Of what is given for a lamp. */
static struct registry_grant accepted(struct identity_options options)
{
    struct registry_grant out = { 0 };
    struct pki_fault fault = { 0 };
    options.device = "lamp";
    int error = grant_request_read(&options, NOW_S, &out, &fault);
    assert_string_equal(fault.text, "");
    assert_int_equal(error, 0);
    return out;
}

static void the_least(void **state)
{
    (void)state;
    const struct registry_grant grant = accepted((struct identity_options){ .publish = "a/b" });
    assert_int_equal(grant.subject_kind, GRANT_TO_DEVICE);
    assert_string_equal(grant.subject, "lamp");
    assert_string_equal(grant.pattern, "a/b");
    assert_false(grant.subscribes || grant.denies);
    assert_int_equal(grant.maximum_qos, -1);
    assert_int_equal(grant.retain, -1);
    assert_int_equal(grant.payload_bytes, -1);
    assert_int_equal(grant.rate_messages, -1);
    assert_int_equal(grant.expires_s, 0);
    assert_int_equal(grant.most_topics, 0);
    assert_string_equal(grant.owner, "");
    assert_string_equal(grant.reason, "");
}

static void every_term(void **state)
{
    (void)state;
    const struct registry_grant grant =
        accepted((struct identity_options){ .publish = "a/b",
                                            .qos = "1",
                                            .retain = "off",
                                            .max_payload = "4KiB",
                                            .rate = "60/m",
                                            .expires = "2026-12-24",
                                            .owner = "anna",
                                            .reason = "caf\xc3\xa9" });
    assert_int_equal(grant.maximum_qos, 1);
    assert_int_equal(grant.retain, 0);
    assert_int_equal(grant.payload_bytes, 4096);
    assert_int_equal(grant.rate_messages, 60);
    assert_int_equal(grant.rate_seconds, 60);
    assert_int_equal(grant.expires_s, 1798070400);
    assert_string_equal(grant.owner, "anna");
    assert_string_equal(grant.reason, "caf\xc3\xa9");
}

static void what_it_is_about(void **state)
{
    (void)state;
    struct registry_grant grant = accepted((struct identity_options){ .subscribe = "a/+" });
    assert_true(grant.subscribes && !grant.denies);
    grant = accepted((struct identity_options){ .deny_publish = "a/+" });
    assert_true(!grant.subscribes && grant.denies);
    grant = accepted((struct identity_options){ .deny_subscribe = "a/+", .expires = "8h" });
    assert_true(grant.subscribes && grant.denies);
    assert_int_equal(grant.expires_s, NOW_S + 8 * 3600);
}

static void wildcards(void **state)
{
    (void)state;
    struct identity_options options = { .subscribe = "home/+/x",
                                        .wildcards = true,
                                        .depth = "2",
                                        .most_topics = "100",
                                        .owner = "anna",
                                        .reason = "the hall",
                                        .expires = "never" };
    struct registry_grant grant = accepted(options);
    assert_int_equal(grant.depth, 2);
    assert_int_equal(grant.most_topics, 100);
    assert_int_equal(grant.expires_s, 0);
    options.depth = "any";
    grant = accepted(options);
    assert_int_equal(grant.depth, 0);
}

static void who(void **state)
{
    (void)state;
    struct pki_fault fault = { 0 };
    struct grant_request_subject subject = { 0 };
    struct identity_options options = { .role = "reader" };
    assert_int_equal(grant_request_subject(&options, &subject, &fault), 0);
    assert_int_equal(subject.kind, GRANT_TO_ROLE);
    assert_string_equal(subject.name, "reader");
    options = (struct identity_options){ .group = "kitchen" };
    assert_int_equal(grant_request_subject(&options, &subject, &fault), 0);
    assert_int_equal(subject.kind, GRANT_TO_GROUP);
    options = (struct identity_options){ 0 };
    assert_int_equal(grant_request_subject(&options, &subject, &fault), 0);
    assert_int_equal(subject.kind, GRANT_SUBJECT_COUNT);
    options = (struct identity_options){ .role = "reader", .group = "kitchen" };
    assert_int_equal(grant_request_subject(&options, &subject, &fault), -EINVAL);
    assert_string_equal(fault.text, "--role and --group: say one of them");
}

static char long_text[GRANT_PATTERN_SIZE + 1];

static const struct {
    struct identity_options options; /* for a lamp if they do not say */
    const char *why;                 /* part of it */
} mistakes[] = {
    { { 0 }, "what?" },
    { { .publish = "a", .subscribe = "b" }, "--publish and --subscribe: " },
    { { .deny_publish = "a", .deny_subscribe = "b" }, "add two" },
    { { .publish = "" }, "--publish '': the pattern is empty" },
    { { .publish = long_text }, "longer than 1024 bytes" },
    { { .publish = "a", .role = "reader", .device = "lamp" }, "--device and --role" },
    { { .publish = "a", .device = "" }, "'' cannot be the name of a device" },
    { { .publish = "a", .device = "+" }, "'+' cannot be the name of a device" },
    { { .publish = "a", .device = "a/b" }, "cannot be the name of a device" },
    { { .publish = "a", .device = "$SYS" }, "cannot be the name of a device" },
    { { .publish = "a", .device = long_text }, "cannot be the name of a device" },
    { { .publish = "a", .device = "\xff\x1b" }, "'\?\?' cannot be the name of a device" },
    { { .publish = "a", .qos = "3" }, "--qos '3': write 0, 1 or 2" },
    { { .publish = "a", .retain = "maybe" }, "--retain 'maybe': write on or off" },
    { { .publish = "a", .max_payload = "1KB" }, "--max-payload '1KB': write 0 to" },
    { { .publish = "a", .rate = "10" }, "--rate '10': write messages per" },
    { { .subscribe = "a", .retain = "on" }, "--retain 'on': applies to what is published" },
    { { .subscribe = "a", .rate = "1/s" }, "--rate '1/s': applies to what is published" },
    { { .deny_publish = "a", .qos = "1" }, "--qos '1': a denial has no terms" },
    { { .publish = "a", .expires = "soon" }, "--expires 'soon': write a duration" },
    { { .publish = "a", .expires = "" }, "--expires '': write a duration" },
    { { .publish = "a", .expires = "2026-12-22" }, "that is past" },
    { { .publish = "a", .owner = "" }, "--owner is empty" },
    { { .publish = "a", .owner = long_text }, "--owner is longer than 128 bytes" },
    { { .publish = "a", .reason = long_text }, "--reason is longer than 512 bytes" },
    { { .publish = "a", .reason = "a\nb" }, "--reason has to be one line of UTF-8" },
    { { .publish = "a", .reason = "\xc3" }, "--reason has to be one line of UTF-8" },
    { { .subscribe = "a/#", .depth = "1" }, "--depth '1': belongs to --wildcards" },
    { { .subscribe = "a/#", .most_topics = "1" }, "--most-topics '1': belongs to" },
    { { .publish = "a/#", .wildcards = true }, "--wildcards belongs to --subscribe" },
    { { .deny_subscribe = "a/#", .wildcards = true }, "--wildcards belongs to --subscribe" },
    { { .subscribe = "a", .wildcards = true }, "--wildcards: there is no + or #" },
};

static void refuse_all(void **state)
{
    (void)state;
    memset(long_text, 'x', sizeof(long_text) - 1);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(mistakes); i++) {
        struct identity_options options = mistakes[i].options;
        struct registry_grant out = { .id = 77 };
        struct pki_fault fault = { 0 };
        if (options.device == NULL)
            options.device = "lamp";
        assert_int_equal(grant_request_read(&options, NOW_S, &out, &fault), -EINVAL);
        if (strstr(fault.text, mistakes[i].why) == NULL)
            assert_string_equal(fault.text, mistakes[i].why);
        assert_int_equal(out.id, 77);
    }
}

/* Each of the five has to be there, and to be right. */
static void wildcards_need_all_of_it(void **state)
{
    (void)state;
    static const struct identity_options whole = { .device = "lamp",
                                                   .subscribe = "home/#",
                                                   .wildcards = true,
                                                   .depth = "any",
                                                   .most_topics = "100",
                                                   .owner = "anna",
                                                   .reason = "the hall",
                                                   .expires = "30d" };
    struct identity_options rows[] = { whole, whole, whole, whole, whole, whole, whole };
    static const char *const why[] = { "needs --depth",           "needs --most-topics",
                                       "needs --owner",           "needs --reason",
                                       "needs --expires",         "--depth '0': write",
                                       "--most-topics '0': write" };
    rows[0].depth = rows[1].most_topics = rows[2].owner = rows[3].reason = rows[4].expires = NULL;
    rows[5].depth = rows[6].most_topics = "0";
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct registry_grant out;
        struct pki_fault fault = { 0 };
        assert_int_equal(grant_request_read(&rows[i], NOW_S, &out, &fault), -EINVAL);
        if (strstr(fault.text, why[i]) == NULL)
            assert_string_equal(fault.text, why[i]);
    }
}

static void nobody(void **state)
{
    (void)state;
    const struct identity_options options = { .publish = "a" };
    struct registry_grant out;
    struct pki_fault fault = { 0 };
    assert_int_equal(grant_request_read(&options, NOW_S, &out, &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "for whom?"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least),
        cmocka_unit_test(every_term),
        cmocka_unit_test(what_it_is_about),
        cmocka_unit_test(wildcards),
        cmocka_unit_test(who),
        cmocka_unit_test(refuse_all),
        cmocka_unit_test(wildcards_need_all_of_it),
        cmocka_unit_test(nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
