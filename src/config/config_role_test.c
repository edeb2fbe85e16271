/* SPDX-License-Identifier: Apache-2.0 */
#include "config/testing.h"

static const struct test_complaint bad[] = {
    /* the block */
    { "role \"a/b\" {}",
      "dir/t.conf:1:1: role \"a/b\": a name is made of letters, digits and . _ : -" },
    { "role \"\" {}", "dir/t.conf:1:1: role \"\": a name is made of letters, digits and . _ : -" },
    { "role \"group:x\" {}", "dir/t.conf:1:1: role \"group:x\": names that begin with group: or "
                             "device: stand for what the "
                             "registry grants to one; choose another" },
    { "role \"device:\" {}", "dir/t.conf:1:1: role \"device:\": names that begin with group: or "
                             "device: stand for what the "
                             "registry grants to one; choose another" },
    { "role \"a\" { maximum-qos = 3 }",
      "dir/t.conf:1:26: maximum-qos = \"3\": write a whole number from 0 to 2" },
    { "role \"a\" { retain = \"\" }", "dir/t.conf:1:21: retain = \"\": write on or off" },
    { "role \"a\" { max-payload = 4kB }",
      "dir/t.conf:1:26: max-payload = \"4kB\": write 0 to 268435455 bytes, such as 4096 "
      "or 4KiB" },
    { "role \"a\" { max-payload = 1GiB }",
      "dir/t.conf:1:26: max-payload = \"1GiB\": write 0 to 268435455 bytes, such as 4096 "
      "or 4KiB" },
    { "role \"a\" { rate = 10 }",
      "dir/t.conf:1:19: rate = \"10\": write messages per second, minute or hour, such "
      "as 10/s, 60/m or 100/h" },
    { "role \"a\" { rate = \"0/s\" }",
      "dir/t.conf:1:19: rate = \"0/s\": write messages per second, minute or hour, such "
      "as 10/s, 60/m or 100/h" },
    { "role \"a\" { rate = \"10/d\" }",
      "dir/t.conf:1:19: rate = \"10/d\": write messages per second, minute or hour, such "
      "as 10/s, 60/m or 100/h" },
    { "role \"a\" { rate = \"5000000000/s\" }",
      "dir/t.conf:1:19: rate = \"5000000000/s\": write messages per second, minute or "
      "hour, such as 10/s, 60/m or 100/h" },
    { "role \"a\" { max-messages = 10 }",
      "dir/t.conf:1:27: max-messages = \"10\": write how many per second, minute or hour, such as "
      "10/s, 60/m or 100/h, or unlimited" },
    { "role \"a\" { max-messages = \"1KiB/s\" }",
      "dir/t.conf:1:27: max-messages = \"1KiB/s\": write how many per second, minute or hour, such "
      "as 10/s, 60/m or 100/h, or unlimited" },
    { "role \"a\" { max-bytes = \"1MB/s\" }",
      "dir/t.conf:1:24: max-bytes = \"1MB/s\": write bytes per second, minute or hour, such as "
      "64KiB/s or 1MiB/m, or unlimited" },
    { "role \"a\" { max-bytes = \"4GiB/s\" }",
      "dir/t.conf:1:24: max-bytes = \"4GiB/s\": write bytes per second, minute or hour, such as "
      "64KiB/s or 1MiB/m, or unlimited" },
    { "role \"a\" { max-connects = unlimted }",
      "dir/t.conf:1:27: max-connects = \"unlimted\": did you mean 'unlimited'?" },
    { "role \"a\" { max-subscribes = \"0/s\" }",
      "dir/t.conf:1:29: max-subscribes = \"0/s\": write how many per second, minute or hour, such "
      "as 10/s, 60/m or 100/h, or unlimited" },
    { "role \"a\" { max-retained = \"10/s\" }",
      "dir/t.conf:1:27: max-retained = \"10/s\": write bytes, such as 4096, 64KiB or 10MiB; 0: no "
      "bound" },
    { "role \"a\" { max-message = \"1/s\" }",
      "dir/t.conf:1:12: unknown word 'max-message' in role; did you mean 'max-messages'?" },
    { "role \"a\" { tenant-space = comon }",
      "dir/t.conf:1:27: tenant-space = \"comon\": did you mean 'common'?" },
    { "role \"a\" { tenant-space = all }",
      "dir/t.conf:1:27: tenant-space = \"all\": write one of own, common" },
    { "role \"a\" { denials = ignore }",
      "dir/t.conf:1:22: denials = \"ignore\": write one of refuse, carve" },
    { "role \"a\" { ratchet = yes }",
      "dir/t.conf:1:22: ratchet = \"yes\": write one of on, required, off" },
    { "role \"a\" { clone = both }",
      "dir/t.conf:1:20: clone = \"both\": write one of hold, drop-both, keep-first, allow" },
    { "role \"a\" { unrestricted = 1 }", "dir/t.conf:1:27: unrestricted = \"1\": write on or off" },
    /* grants */
    { "role \"a\" { grant { } }",
      "dir/t.conf:1:12: this grant grants nothing; write publish = { \"...\" } or subscribe "
      "= { \"...\" }" },
    { "role \"a\" { grant { owner = \"me\" } }",
      "dir/t.conf:1:12: this grant grants nothing; write publish = { \"...\" } or subscribe "
      "= { \"...\" }" },
    { "role \"a\" { grant { subscribe = { \"x\" } retain = on } }",
      "dir/t.conf:1:49: 'retain' applies to publish, and this grant has none; remove it" },
    { "role \"a\" { grant { subscribe = { \"x\" } rate = \"1/s\" max-payload = 5 } }",
      "dir/t.conf:1:67: 'max-payload' applies to publish, and this grant has none; remove "
      "it\n"
      "dir/t.conf:1:47: 'rate' applies to publish, and this grant has none; remove it" },
    { "role \"a\" { grant { deny-publish = { \"x\" } publish = { \"y\" } } }",
      "dir/t.conf:1:20: 'deny-publish' does not belong in grant but in role" },
    { "role \"a\" { grant { publish = { \"x\" } expires = \"30d\" } }",
      "dir/t.conf:1:48: expires = \"30d\": write a date such as 2026-12-24 or "
      "2026-12-24T10:00:00Z, "
      "or never" },
    { "role \"a\" { grant { publish = { \"x\" } expires = tomorrow } }",
      "dir/t.conf:1:48: expires = \"tomorrow\": write a date such as 2026-12-24 or "
      "2026-12-24T10:00:00Z, "
      "or never" },
    { "role \"a\" { grant { publish = { \"x\" } expires = 2026-02-29 } }",
      "dir/t.conf:1:48: expires = \"2026-02-29\": there is no such time; write a date "
      "as 2026-12-24 or 2026-12-24T10:00:00Z, in UTC and after 1970" },
    { "role \"a\" { grant { publish = { \"x\" } owner = \"\" } }",
      "dir/t.conf:1:46: 'owner' is empty; write a value or remove it" },
    { "role \"a\" { grant { publish = { \"x\" } maximum-qos = 7 } }",
      "dir/t.conf:1:52: maximum-qos = \"7\": write a whole number from 0 to 2" },
    /* wildcards */
    { "role \"a\" {\n"
      "  wildcards {}\n"
      "}",
      "dir/t.conf:2:3: wildcards without 'prefix'; add prefix = \"home/\", the levels "
      "that filters begin with\n"
      "dir/t.conf:2:3: wildcards without 'depth'; add depth = 2, how many levels below "
      "the prefix, or any\n"
      "dir/t.conf:2:3: wildcards without 'most-topics'; add most-topics = 100, how many "
      "different topics one subscription is served\n"
      "dir/t.conf:2:3: wildcards without 'expires'; add expires = \"30d\", a date, or "
      "never\n"
      "dir/t.conf:2:3: wildcards without 'owner'; add owner = \"...\", who answers for "
      "it\n"
      "dir/t.conf:2:3: wildcards without 'reason'; add reason = \"...\", why it has to "
      "be" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:2:2: wildcards without 'prefix'; add prefix = \"home/\", the levels "
      "that filters begin with" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:2:2: wildcards without 'depth'; add depth = 2, how many levels below "
      "the prefix, or any" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:2:2: wildcards without 'most-topics'; add most-topics = 100, how many "
      "different topics one subscription is served" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:2:2: wildcards without 'expires'; add expires = \"30d\", a date, or "
      "never" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:2:2: wildcards without 'owner'; add owner = \"...\", who answers for "
      "it" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      " }\n"
      "}",
      "dir/t.conf:2:2: wildcards without 'reason'; add reason = \"...\", why it has to "
      "be" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:3:12: prefix = \"a\": end it with '/'" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:3:12: prefix = \"\": end it with '/'" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/+/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:3:12: prefix = \"a/+/\": a prefix has no wildcards; write the levels "
      "they stand behind, such as \"home/\"" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"#\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:3:12: prefix = \"#\": a prefix has no wildcards; write the levels they "
      "stand behind, such as \"home/\"" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 0\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:4:11: depth = \"0\": write a whole number from 1 to 64, or any" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 65\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:4:11: depth = \"65\": write a whole number from 1 to 64, or any" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = all\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:4:11: depth = \"all\": write a whole number from 1 to 64, or any" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = \"1 \"\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:4:11: depth = \"1 \": write a whole number from 1 to 64, or any" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 0\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:5:17: most-topics = \"0\": write a whole number from 1 to 1000000" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 1000001\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:5:17: most-topics = \"1000001\": write a whole number from 1 to 1000000" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = soon\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:6:13: expires = \"soon\": write a duration such as 8h or 30d, a date "
      "such as 2026-12-24 or 2026-12-24T10:00:00Z, or never" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = nevr\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:6:13: expires = \"nevr\": did you mean 'never'?" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 2026-13-01\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:6:13: expires = \"2026-13-01\": there is no such time; write a date "
      "as 2026-12-24 or 2026-12-24T10:00:00Z, in UTC and after 1970" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 30\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:6:13: expires = \"30\": write a duration such as 8h or 30d, a date such "
      "as 2026-12-24 or 2026-12-24T10:00:00Z, or never" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 0d\n"
      "  owner = me\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:6:13: expires = \"0d\": write a duration such as 8h or 30d, a date such "
      "as 2026-12-24 or 2026-12-24T10:00:00Z, or never" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = \"\"\n"
      "  reason = why\n"
      " }\n"
      "}",
      "dir/t.conf:7:11: 'owner' is empty; write a value or remove it" },
    { "role \"a\" {\n"
      " wildcards {\n"
      "  prefix = \"a/\"\n"
      "  depth = 1\n"
      "  most-topics = 5\n"
      "  expires = 8h\n"
      "  owner = me\n"
      "  reason = \"\"\n"
      " }\n"
      "}",
      "dir/t.conf:8:12: 'reason' is empty; write a value or remove it" },
};

static void bad_roles(void **state)
{
    (void)state;
    test_refuses(bad, MQTT_ARRAY_LEN(bad));
}

/* What the policy refuses is complained about where it stands, in its own words. */
static void refused_by_the_policy(void **state)
{
    static const struct {
        const char *text;
        const char *begin;
    } rows[] = {
        { "role a {\n  publish = { \"fine\",\n    \"not/#/fine\" }\n}",
          "dir/t.conf:3:5: \"not/#/fine\": " },
        { "role a { deny-subscribe = { \"a/%{else}\" } }", "dir/t.conf:1:29: \"a/%{else}\": " },
        { "role a { grant { subscribe = \"$share/g/a\" } }", "dir/t.conf:1:30: \"$share/g/a\": " },
        { "role a { grant { subscribe = \"\" } }", "dir/t.conf:1:30: \"\": " },
        { "role a { wildcards { depth = any most-topics = 1 expires = never owner = o reason = r\n"
          "prefix = \"50%/\" } }",
          "dir/t.conf:2:10: \"50%/\": " },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const struct test_files texts = { rows[i].text, NULL };
        struct test_complaints complaints;
        struct config *config = NULL;
        assert_int_equal(test_load(&texts, NULL, &complaints, &config), -EINVAL);
        assert_true(complaints.used > strlen(rows[i].begin) + 3);
        complaints.text[strlen(rows[i].begin)] = '\0';
        assert_string_equal(complaints.text, rows[i].begin);
    }
}

/* ---- what is understood ---- */

static const char everything[] =
    "role \"pump\" {\n"
    "  grant {\n"
    "    publish     = { \"alarm/%{device}\" }\n"
    "    subscribe   = { \"alarm/all\" }\n"
    "    maximum-qos = 2\n"
    "    retain      = off\n"
    "    max-payload = 4KiB\n"
    "    rate        = \"100/h\"\n"
    "    expires     = 2026-12-24\n"
    "    owner       = \"safety\"\n"
    "    reason      = \"audit 7\"\n"
    "  }\n"
    "  publish        = { \"p/%{device}\" }\n"
    "  deny-publish   = { \"p/secret\" }\n"
    "  subscribe      = { \"p/+\", \"q/#\" }\n"
    "  deny-subscribe = \"q/secret\"\n"
    "  wildcards {\n"
    "    prefix = \"p/\" depth = 2 most-topics = 500 expires = \"30d\" owner = \"o\" reason = "
    "\"r\"\n"
    "  }\n"
    "  wildcards {\n"
    "    prefix = \"q/\" depth = any most-topics = 1 expires = 2030-01-01T00:00:00Z owner = o "
    "reason = r\n"
    "  }\n"
    "  grant { publish = { \"late\" } }\n"
    "  maximum-qos = 1  retain = on  max-payload = 64KiB  rate = 10/s\n"
    "  shared = on  tenant-space = common  denials = carve  clone = keep-first\n"
    "}\n";

static const struct {
    const char *pattern;
    enum policy_action action;
    bool grants;
    unsigned line;
    unsigned column;
} expected[] = {
    { "p/%{device}", POLICY_PUBLISH, true, 13, 22 },
    { "p/secret", POLICY_PUBLISH, false, 14, 22 },
    { "p/+", POLICY_SUBSCRIBE, true, 15, 22 },
    { "q/#", POLICY_SUBSCRIBE, true, 15, 29 },
    { "q/secret", POLICY_SUBSCRIBE, false, 16, 20 },
    { "alarm/%{device}", POLICY_PUBLISH, true, 3, 21 },
    { "alarm/all", POLICY_SUBSCRIBE, true, 4, 21 },
    { "late", POLICY_PUBLISH, true, 23, 23 },
};

static void rules(void **state)
{
    struct config *config = test_load_good(everything, NULL);
    const struct config_role *role = config_find_role(config, "pump");

    (void)state;
    assert_non_null(role);
    assert_int_equal(role->rule_count, MQTT_ARRAY_LEN(expected));
    for (size_t i = 0; i < role->rule_count; i++) {
        const struct policy_rule *rule = &role->rules[i];
        assert_string_equal(rule->pattern, expected[i].pattern);
        assert_int_equal(rule->action, expected[i].action);
        assert_int_equal(rule->grants, expected[i].grants);
        assert_string_equal(rule->origin.file, "dir/t.conf");
        assert_int_equal(rule->origin.line, expected[i].line);
        assert_int_equal(rule->origin.column, expected[i].column);
    }
    config_unref(config);
}

static void assert_terms(const struct policy_terms *terms, const struct policy_terms *wanted)
{
    assert_int_equal(terms->maximum_qos, wanted->maximum_qos);
    assert_int_equal(terms->retain, wanted->retain);
    assert_int_equal(terms->payload_bytes, wanted->payload_bytes);
    assert_int_equal(terms->rate_messages, wanted->rate_messages);
    assert_int_equal(terms->rate_seconds, wanted->rate_seconds);
}

/* A grant has the role's terms where it says nothing, wherever the role says them. */
static void terms(void **state)
{
    static const struct policy_terms of_role = { 1, true, 65536, 10, 1 };
    static const struct policy_terms of_grant = { 2, false, 4096, 100, 3600 };
    static const struct policy_terms none = { 2, false, POLICY_NO_LIMIT, 0, 0 };
    struct config *config = test_load_good(everything, NULL);
    const struct config_role *role = &config->roles[0];

    (void)state;
    assert_terms(&role->options.terms, &of_role);
    assert_terms(&role->rules[0].terms, &of_role);
    assert_terms(&role->rules[5].terms, &of_grant);
    assert_terms(&role->rules[6].terms, &of_grant);
    assert_terms(&role->rules[7].terms, &of_role);
    assert_true(role->options.shared && role->options.common_space && role->options.carves);
    assert_false(role->options.unrestricted || role->options.anonymous);
    assert_int_equal(role->options.clone, POLICY_CLONE_KEEP_FIRST);
    assert_string_equal(role->rules[5].owner, "safety");
    assert_string_equal(role->rules[5].reason, "audit 7");
    assert_string_equal(role->rules[7].owner, "");
    assert_int_equal(role->rules[5].expires_s, 1798070400);
    assert_int_equal(role->rules[7].expires_s, 0);
    config_unref(config);

    config = test_load_good("role a { publish = { b } }", NULL);
    assert_terms(&config->roles[0].options.terms, &none);
    assert_false(config->roles[0].options.carves || config->roles[0].options.common_space);
    assert_int_equal(config->roles[0].options.clone, POLICY_CLONE_BY_KIND);
    config_unref(config);
}

static void clones(void **state)
{
    static const struct {
        const char *text;
        enum policy_clone clone;
    } rows[] = {
        { "role a { publish = { b } clone = hold }", POLICY_CLONE_HOLD },
        { "role a { publish = { b } clone = drop-both }", POLICY_CLONE_DROP_BOTH },
        { "role a { publish = { b } clone = keep-first }", POLICY_CLONE_KEEP_FIRST },
        { "role a { publish = { b } clone = allow }", POLICY_CLONE_ALLOW },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct config *config = test_load_good(rows[i].text, NULL);
        assert_int_equal(config->roles[0].options.clone, rows[i].clone);
        config_unref(config);
    }
}

static void bounds(void **state)
{
    struct config *config =
        test_load_good("role a { publish = { b } max-messages = \"100/s\" "
                       "max-bytes = \"64KiB/m\" max-connects = \"10/h\" "
                       "max-subscribes = unlimited max-retained = 10MiB } "
                       "role c { publish = { d } max-retained = 0 "
                       "max-messages-all = \"5/s\" max-bytes-all = \"1KiB/s\" "
                       "max-connects-all = \"7/m\" max-subscribes-all = \"8/h\" "
                       "max-retained-all = 1MiB }",
                       NULL);
    const struct policy_bounds *said = &config->roles[0].options.bounds;

    (void)state;
    assert_int_equal(said->messages.count, 100);
    assert_int_equal(said->messages.seconds, 1);
    assert_int_equal(said->bytes.count, 65536);
    assert_int_equal(said->bytes.seconds, 60);
    assert_int_equal(said->connects.count, 10);
    assert_int_equal(said->connects.seconds, 3600);
    assert_int_equal(said->subscribes.count, POLICY_NO_LIMIT);
    assert_true(said->has_retained_bytes);
    assert_int_equal(said->retained_bytes, 10485760);
    said = &config->roles[1].options.bounds;
    assert_int_equal(said->messages.count, 0);
    assert_int_equal(said->all.messages.count, 5);
    assert_int_equal(said->all.bytes.count, 1024);
    assert_int_equal(said->all.connects.count, 7);
    assert_int_equal(said->all.connects.seconds, 60);
    assert_int_equal(said->all.subscribes.count, 8);
    assert_int_equal(said->all.retained_bytes, 1048576);
    assert_true(said->has_retained_bytes);
    assert_int_equal(said->retained_bytes, 0);
    config_unref(config);
}

static void scopes(void **state)
{
    struct config *config = test_load_good(everything, NULL);
    const struct config_role *role = &config->roles[0];

    (void)state;
    assert_int_equal(role->scope_count, 2);
    const struct policy_scope *scope = &role->scopes[0].scope;
    assert_string_equal(scope->prefix, "p/");
    assert_int_equal(scope->depth, 2);
    assert_int_equal(scope->most_topics, 500);
    assert_int_equal(scope->expires_s, 0);
    assert_int_equal(role->scopes[0].lasts_s, 30 * 86400);
    assert_string_equal(scope->owner, "o");
    assert_string_equal(scope->reason, "r");
    assert_int_equal(scope->origin.line, 18);
    assert_int_equal(scope->origin.column, 14);
    scope = &role->scopes[1].scope;
    assert_int_equal(scope->depth, 0);
    assert_int_equal(scope->expires_s, 1893456000);
    assert_int_equal(role->scopes[1].lasts_s, 0);
    config_unref(config);
}

/* ---- into a policy ---- */

static int64_t expiry_of(void *context, const struct config_role *role,
                         const struct config_scope *scope)
{
    const int64_t *first_read_s = context;

    assert_string_equal(role->name, "pump");
    return *first_read_s + scope->lasts_s;
}

static const struct {
    int64_t now_s;
    int64_t first_read_s;
    size_t rules;
    size_t scopes;
} builds[] = {
    { 0, 1790000000, 8, 2 },          /* nothing expires */
    { 1790000000, 1790000000, 8, 2 }, /* not yet */
    { 1792591999, 1790000000, 8, 2 }, /* a second before 30 days are over */
    { 1792592000, 1790000000, 8, 1 }, /* 30 days are over */
    { 1798070400, 1790000000, 6, 1 }, /* so is the grant of 2026 */
    { 1893456000, 1893456000, 6, 1 }, /* and the one of 2030, but the 30 days have begun */
};

static void without_what_has_expired(void **state)
{
    struct config *config = test_load_good(everything, NULL);

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(builds); i++) {
        int64_t first_read_s = builds[i].first_read_s;
        struct policy *policy = policy_new();
        struct role *role = NULL;
        assert_int_equal(config_role_add(&config->roles[0], policy, builds[i].now_s, expiry_of,
                                         &first_read_s, &role),
                         0);
        policy_seal(policy);
        assert_int_equal(role_rule_count(role), builds[i].rules);
        assert_int_equal(role_scope_count(role), builds[i].scopes);
        policy_unref(policy);
    }
    config_unref(config);
}

static void durations_end_when_asked(void **state)
{
    struct config *config = test_load_good(everything, NULL);
    struct policy *policy = policy_new();
    struct role *role = NULL;
    int64_t first_read_s = 1790000000;

    (void)state;
    assert_int_equal(config_role_add(&config->roles[0], policy, 0, expiry_of, &first_read_s, &role),
                     0);
    policy_seal(policy);
    assert_int_equal(role_scope_at(role, 0)->expires_s, 1792592000);
    assert_int_equal(role_scope_at(role, 1)->expires_s, 1893456000);
    assert_int_equal(policy_next_expiry_s(policy), 1792592000);
    policy_unref(policy);
    /* Of the file alone nobody knows. */
    assert_int_equal(policy_next_expiry_s(config->policy), 1798070400);
    config_unref(config);
}

static void a_name_is_taken_once(void **state)
{
    struct config *config = test_load_good(everything, NULL);
    struct policy *policy = policy_new();
    struct role *role = NULL;

    (void)state;
    assert_int_equal(config_role_add(&config->roles[0], policy, 0, NULL, NULL, &role), 0);
    assert_int_equal(config_role_add(&config->roles[0], policy, 0, NULL, NULL, &role), -EINVAL);
    policy_unref(policy);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_roles),
        cmocka_unit_test(refused_by_the_policy),
        cmocka_unit_test(rules),
        cmocka_unit_test(terms),
        cmocka_unit_test(clones),
        cmocka_unit_test(bounds),
        cmocka_unit_test(scopes),
        cmocka_unit_test(without_what_has_expired),
        cmocka_unit_test(durations_end_when_asked),
        cmocka_unit_test(a_name_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
