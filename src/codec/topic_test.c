/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/topic.h"

#include "codec/wire_test.h"

static bool judge(bool (*rule)(struct mqtt_span), const char *text)
{
    struct mqtt_span span = wire_copy(text, strlen(text));
    bool verdict = rule(span);
    wire_free(span);
    return verdict;
}

struct rule_case {
    const char *why;
    const char *text;
    bool want;
};

static void check_rule(bool (*rule)(struct mqtt_span), const struct rule_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (judge(rule, cases[i].text) != cases[i].want)
            fail_msg("\"%s\": %s", cases[i].text, cases[i].why);
    }
}

static void judges_names(void **state)
{
    static const struct rule_case cases[] = {
        { "plain", "a", true },
        { "levels", "a/b/c", true },
        { "an empty level", "/", true },
        { "long", "home/site/device/temperature", true },
        { "a dollar", "$SYS/broker", true },
        { "a space", "a b", true },
        { "neighbours of the wildcards in ASCII", "\"$*,", true },
        { "[MQTT-4.7.3-1] empty", "", false },
        { "[MQTT-3.3.2-2] plus", "+", false },
        { "[MQTT-3.3.2-2] hash", "a/#", false },
        { "[MQTT-4.7.0-1] plus inside a word", "ab+cd", false },
    };
    (void)state;
    check_rule(mqtt_topic_name_is_valid, cases, MQTT_ARRAY_LEN(cases));
}

static void finds_a_wildcard_anywhere(void **state)
{
    static const char bad[] = { '+', '#', '\0' };
    char text[40];

    (void)state;
    for (size_t len = 1; len <= sizeof(text); len++) {
        for (size_t at = 0; at < len; at++) {
            for (size_t b = 0; b < sizeof(bad); b++) {
                memset(text, '/', sizeof(text));
                text[at] = bad[b];
                struct mqtt_span span = wire_copy(text, len);
                assert_false(mqtt_topic_name_is_valid(span));
                wire_free(span);
            }
        }
    }
}

static void judges_filters(void **state)
{
    static const struct rule_case cases[] = {
        { "plain", "a/b", true },
        { "all", "#", true },
        { "all below", "a/#", true },
        { "one level", "+", true },
        { "one level each", "+/+", true },
        { "in the middle", "a/+/b", true },
        { "both", "+/b/#", true },
        { "empty levels", "//", true },
        { "behind an empty level", "/+", true },
        { "[MQTT-4.7.3-1] empty", "", false },
        { "[MQTT-4.7.1-1] hash not last", "#/a", false },
        { "[MQTT-4.7.1-1] hash beside text", "a#", false },
        { "[MQTT-4.7.1-1] hash before text", "a/#b", false },
        { "[MQTT-4.7.1-1] two hashes", "##", false },
        { "[MQTT-4.7.1-2] plus beside text", "a+", false },
        { "[MQTT-4.7.1-2] plus before text", "+a", false },
        { "[MQTT-4.7.1-2] two pluses", "++", false },
        { "[MQTT-4.7.1-2] plus and hash", "+#", false },
    };
    static const char with_nul[] = { 'a', '\0', 'b' };

    (void)state;
    check_rule(mqtt_topic_filter_is_valid, cases, MQTT_ARRAY_LEN(cases));
    struct mqtt_span span = wire_copy(with_nul, sizeof(with_nul));
    assert_false(mqtt_topic_filter_is_valid(span)); /* [MQTT-4.7.3-2] */
    wire_free(span);
}

static void knows_wildcards_and_levels(void **state)
{
    (void)state;
    assert_true(judge(mqtt_topic_filter_has_wildcard, "a/+/b"));
    assert_true(judge(mqtt_topic_filter_has_wildcard, "#"));
    assert_false(judge(mqtt_topic_filter_has_wildcard, "a/b"));
    assert_false(judge(mqtt_topic_filter_has_wildcard, ""));
    assert_int_equal(mqtt_topic_levels(span_of("a")), 1);
    assert_int_equal(mqtt_topic_levels(span_of("/")), 2);
    assert_int_equal(mqtt_topic_levels(span_of("a/b/#")), 3);
}

static const struct {
    const char *filter;
    const char *topic;
    bool want;
} matchings[] = {
    { "a", "a", true },
    { "a", "b", false },
    { "a", "a/", false },
    { "a/", "a", false },
    { "a/", "a/", true },
    { "a", "ab", false },
    { "ab", "a", false },
    { "A", "a", false },
    { "a/b", "a/b", true },
    { "a/b", "a/c", false },
    { "a/b", "a/b/c", false },
    { "a/b/c", "a/b", false },
    { "#", "a", true },
    { "#", "a/b/c", true },
    { "#", "/", true },
    { "a/#", "a", true },
    { "a/#", "a/", true },
    { "a/#", "a/b/c", true },
    { "a/#", "b", false },
    { "a/#", "ab", false },
    { "a/b/#", "a", false },
    { "+", "a", true },
    { "+", "/", false },
    { "+", "a/b", false },
    { "/+", "/a", true },
    { "+/+", "/a", true },
    { "+/+", "a", false },
    { "a/+", "a/", true },
    { "a/+", "a", false },
    { "a/+/c", "a/b/c", true },
    { "a/+/c", "a//c", true },
    { "a/+/c", "a/b/d", false },
    { "+/b/#", "a/b", true },
    { "+/#", "a", true },
    /* [MQTT-4.7.2-1] */
    { "#", "$SYS", false },
    { "+", "$SYS", false },
    { "+/a", "$SYS/a", false },
    { "$SYS/#", "$SYS", true },
    { "$SYS/+", "$SYS/a", true },
    { "$SYS/a", "$SYS/a", true },
    { "a/+", "a/$b", true },
};

static void matches(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(matchings); i++) {
        struct mqtt_span filter = wire_copy(matchings[i].filter, strlen(matchings[i].filter));
        struct mqtt_span topic = wire_copy(matchings[i].topic, strlen(matchings[i].topic));
        if (mqtt_topic_matches(filter, topic) != matchings[i].want)
            fail_msg("\"%s\" and \"%s\"", matchings[i].filter, matchings[i].topic);
        wire_free(filter);
        wire_free(topic);
    }
}

static void parses_shares(void **state)
{
    static const struct {
        const char *why;
        const char *text;
        int want;
        const char *group;
        const char *filter;
    } cases[] = {
        { "plain", "$share/g/a", 1, "g", "a" },
        { "filter with levels", "$share/group/a/+/#", 1, "group", "a/+/#" },
        { "filter of an empty level", "$share/g//", 1, "g", "/" },
        { "not shared", "a/b", 0, "", "" },
        { "no slash", "$share", 0, "", "" },
        { "another word", "$shared/g/a", 0, "", "" },
        { "empty", "", 0, "", "" },
        { "[MQTT-4.8.2-1] no group", "$share//a", -1, "", "" },
        { "[MQTT-4.8.2-1] nothing", "$share/", -1, "", "" },
        { "[MQTT-4.8.2-2] plus in the group", "$share/+/a", -1, "", "" },
        { "[MQTT-4.8.2-2] hash in the group", "$share/g#/a", -1, "", "" },
        { "[MQTT-4.8.2-2] no slash behind the group", "$share/g", -1, "", "" },
        { "[MQTT-4.8.2-2] no filter", "$share/g/", -1, "", "" },
        { "[MQTT-4.8.2-2] bad filter", "$share/g/a#", -1, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(cases); i++) {
        struct mqtt_share share = { { NULL, 0 }, { NULL, 0 } };
        struct mqtt_span text = wire_copy(cases[i].text, strlen(cases[i].text));
        if (mqtt_share_parse(text, &share) != cases[i].want)
            fail_msg("%s", cases[i].why);
        expect_text(share.group, cases[i].group);
        expect_text(share.filter, cases[i].filter);
        wire_free(text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges_names),   cmocka_unit_test(finds_a_wildcard_anywhere),
        cmocka_unit_test(judges_filters), cmocka_unit_test(knows_wildcards_and_levels),
        cmocka_unit_test(matches),        cmocka_unit_test(parses_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
