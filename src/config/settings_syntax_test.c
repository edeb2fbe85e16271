/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_syntax.h"

#include "config/testing.h"

/* Text, and all complaints about it: where, what, and what to do. */
static const struct test_complaint bad[] = {
    /* words */
    { "shardz = 2", "dir/t.conf:1:1: unknown word 'shardz'; did you mean 'shards'?" },
    { "role \"a\" {\n"
      "  publsh = { \"x\" }\n"
      "}",
      "dir/t.conf:2:3: unknown word 'publsh' in role; did you mean 'publish'?" },
    { "\n"
      "\n"
      "thermostat = 5",
      "dir/t.conf:3:1: unknown word 'thermostat'; see tacit.conf(5) for what may stand "
      "here" },
    { "limits {\n"
      " packet-byte = 4096\n"
      "}",
      "dir/t.conf:2:2: unknown word 'packet-byte' in limits; did you mean 'packet-bytes'?" },
    { "rol \"a\" { publish = { \"x\" } }",
      "dir/t.conf:1:1: unknown word 'rol'; did you mean 'role'?" },
    { "role \"a\" { wildcard { depth = 1 } }",
      "dir/t.conf:1:12: unknown word 'wildcard' in role; did you mean 'wildcards'?" },
    { "a-word-that-is-longer-than-any-word-anybody-would-ever-know = 1",
      "dir/t.conf:1:1: unknown word 'a-word-that-is-longer-than-any-word-anybody-wou'; "
      "see tacit.conf(5) for what may stand here" },
    { "role \"a\" { port = 5 }",
      "dir/t.conf:1:12: 'port' does not belong in role but in listener or in enrolment" },
    { "log { publish = { \"x\" } }",
      "dir/t.conf:1:7: 'publish' does not belong in log but in role or in grant" },
    { "level = info", "dir/t.conf:1:1: 'level' does not belong outside of blocks but in log" },
    { "connections = 5",
      "dir/t.conf:1:1: 'connections' does not belong outside of blocks but in limits" },
    { "wildcards { depth = 1 }",
      "dir/t.conf:1:1: 'wildcards' does not belong outside of blocks but in role" },
    { "log { shards = 2 }",
      "dir/t.conf:1:7: 'shards' does not belong in log but outside of blocks" },
    { "role \"a\" { role = b }", "dir/t.conf:1:12: 'role' does not belong in role but outside of "
                                 "blocks or in tokens or in assign or in manufacturer" },
    { "log { frmat = json level = loud }",
      "dir/t.conf:1:7: unknown word 'frmat' in log; did you mean 'format'?\n"
      "dir/t.conf:1:28: level = \"loud\": write one of error, warning, notice, info, debug" },
    { "log { path = { \"x\" } level = loud }",
      "dir/t.conf:1:7: 'path' does not belong in log but in listener\n"
      "dir/t.conf:1:30: level = \"loud\": write one of error, warning, notice, info, debug" },
    { "log { rol \"x\" { a = b } level = loud }",
      "dir/t.conf:1:7: unknown word 'rol' in log; see tacit.conf(5) for what may stand "
      "here\n"
      "dir/t.conf:1:33: level = \"loud\": write one of error, warning, notice, info, debug" },
    { "role \"a\" { includes { x = { y = 1 } } rate = x }",
      "dir/t.conf:1:12: unknown word 'includes' in role; see tacit.conf(5) for what may "
      "stand here\n"
      "dir/t.conf:1:46: rate = \"x\": write messages per second, minute or hour, such "
      "as 10/s, 60/m or 100/h" },
    { "foo = a, b\n"
      "shards = x",
      "dir/t.conf:1:1: unknown word 'foo'; see tacit.conf(5) for what may stand here\n"
      "dir/t.conf:2:10: shards = \"x\": write a whole number from 0 to 256" },
    { "foo bar\n"
      "shards = x",
      "dir/t.conf:1:1: unknown word 'foo'; see tacit.conf(5) for what may stand here\n"
      "dir/t.conf:2:10: shards = \"x\": write a whole number from 0 to 256" },
    { "foo\n"
      "{ a = 1\n"
      "}\n"
      "shards = x",
      "dir/t.conf:1:1: unknown word 'foo'; see tacit.conf(5) for what may stand here\n"
      "dir/t.conf:4:10: shards = \"x\": write a whole number from 0 to 256" },
    { "foo { a = 1",
      "dir/t.conf:1:1: unknown word 'foo'; see tacit.conf(5) for what may stand here" },
    /* keys and values */
    { "shards 2", "dir/t.conf:1:7: '=' is missing; write: shards = value" },
    { "shards", "dir/t.conf:1:7: '=' is missing; write: shards = value" },
    { "shards\n"
      "log { }",
      "dir/t.conf:1:7: '=' is missing; write: shards = value" },
    { "shards =", "dir/t.conf:1:9: a value is missing; write: shards = value" },
    { "shards = }", "dir/t.conf:1:9: a value is missing; write: shards = value\n"
                    "dir/t.conf:1:10: this } closes nothing; remove it" },
    { "shards =\n"
      "log { }",
      "dir/t.conf:1:9: a value is missing; write: shards = value" },
    { "log { level = }", "dir/t.conf:1:14: a value is missing; write: level = value" },
    { "log { level = format = json }",
      "dir/t.conf:1:14: a value is missing; write: level = value" },
    { "shards += 2", "dir/t.conf:1:8: 'shards' takes one value; write = instead of +=" },
    { "shards = 1\n"
      "shards = 2",
      "dir/t.conf:2:1: 'shards' was already set in line 1 of dir/t.conf; remove one of "
      "them" },
    { "log { level = info }\n"
      "log { level = debug }",
      "dir/t.conf:2:7: 'level' was already set in line 1 of dir/t.conf; remove one of "
      "them" },
    { "role \"a\" { publish = { \"x\" } publish = { \"y\" } }",
      "dir/t.conf:1:30: 'publish' was already set in line 1 of dir/t.conf; write += to "
      "add to it" },
    { "shards = { 2 }", "dir/t.conf:1:10: 'shards' takes one value; write it without { }" },
    { "shards = 2, 3", "dir/t.conf:1:11: 'shards' takes one value; remove the rest" },
    { "role \"a\" { publish = \"x\", \"y\" }",
      "dir/t.conf:1:25: several values stand in braces; write: publish = { \"...\", \"...\" "
      "}" },
    { "role \"a\" { publish { \"x\" } }",
      "dir/t.conf:1:19: '=' is missing; write: publish = { \"...\" }" },
    { "role \"a\" { publish\n"
      " {\n"
      " \"x\" } }",
      "dir/t.conf:1:19: '=' is missing; write: publish = { \"...\" }" },
    { "role \"a\" { publish = { \"x\" \"y\" } }", "dir/t.conf:1:28: a ',' is missing before 'y'" },
    { "role \"a\" { publish = { \"x\",, \"y\" } }",
      "dir/t.conf:1:28: a value in quotes is expected here; write: publish = { \"...\", "
      "\"...\" }" },
    { "role \"a\" { publish = { { \"x\" } } }",
      "dir/t.conf:1:24: a value in quotes is expected here; write: publish = { \"...\", "
      "\"...\" }" },
    { "role \"a\" { publish = { = } }",
      "dir/t.conf:1:24: a value in quotes is expected here; write: publish = { \"...\", "
      "\"...\" }" },
    { "role \"a\" {\n"
      " publish = { \"x\",\n"
      " subscribe = { \"y\" }\n"
      "}",
      "dir/t.conf:2:12: this { is not closed; add the missing }" },
    { "role \"a\" {\n"
      " publish = { \"x\"\n"
      "}\n"
      "role \"b\" {\n"
      "}",
      "dir/t.conf:4:1: 'role' does not belong in role; a } is missing before it, for the "
      "{ of line 1" },
    { "role \"a\" { publish = {", "dir/t.conf:1:22: this { is not closed; add the missing }" },
    { "= 5", "dir/t.conf:1:1: a key or a block is expected here" },
    { "\"shards\" = 2",
      "dir/t.conf:1:1: a key or a block is expected here; they stand without quotes" },
    { "{ }", "dir/t.conf:1:1: a key or a block is expected here" },
    /* blocks */
    { "role \"a\" {\n"
      "  retain = on\n",
      "dir/t.conf:1:10: this { is not closed; add the missing }" },
    { "role \"a\" {\n"
      "  wildcards {\n",
      "dir/t.conf:2:13: this { is not closed; add the missing }\n"
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
    { "shards = 2\n"
      "}",
      "dir/t.conf:2:1: this } closes nothing; remove it" },
    { "role {\n"
      "}",
      "dir/t.conf:1:5: a name is missing; write: role \"name\" { ... }" },
    { "role \"\\q\" { }",
      "dir/t.conf:1:7: unknown escape in a string; write \\\\ for a backslash" },
    { "log format = json", "dir/t.conf:1:4: '{' is missing; write: log { ... }" },
    { "log", "dir/t.conf:1:4: '{' is missing; write: log { ... }" },
    { "log \"x\" { }", "dir/t.conf:1:5: 'log' has no name; write: log { ... }" },
    { "log = json", "dir/t.conf:1:1: log is a block; write: log { format = ... }" },
    { "role \"a\" { wildcards = on }",
      "dir/t.conf:1:12: wildcards is a block; write: wildcards { prefix = ... }" },
    { "role = \"a\"", "dir/t.conf:1:1: role is a block; write: role \"name\" { publish = ... }" },
    { "role \"a\" {}\n"
      "role \"a\" {}",
      "dir/t.conf:2:1: there is another role \"a\" in line 1 of dir/t.conf; join them "
      "or rename one" },
    { "listener \"a\" { port = 1 }\n"
      "listener \"a\" { port = 2 }",
      "dir/t.conf:2:1: there is another listener \"a\" in line 1 of dir/t.conf; join them "
      "or rename one" },
    { "role \"a\" { grant \"x\" { publish = { \"x\" } } }",
      "dir/t.conf:1:18: 'grant' has no name; write: grant { ... }" },
    { "role \"a\" { grant { publish = { \"x\" } role = b } }",
      "dir/t.conf:1:38: 'role' does not belong in grant but outside of blocks or in tokens or in "
      "assign or in manufacturer" },
    { "role a { grant { publish = x\n"
      "listener b { }",
      "dir/t.conf:2:1: 'listener' does not belong in grant; a } is missing before it, for the { of "
      "line 1\n"
      "dir/t.conf:2:1: 'listener' does not belong in role; a } is missing before it, for the { of "
      "line 1" },
    { "role \"a\" {\n"
      "listener \"b\" {\n"
      "}\n"
      "}",
      "dir/t.conf:2:1: 'listener' does not belong in role; a } is missing before it, for "
      "the { of line 1" },
    /* text */
    { "state = \"/x",
      "dir/t.conf:1:9: this string ends with its line; close it with the quote it began "
      "with" },
    { "state = '/x\"\n",
      "dir/t.conf:1:9: this string ends with its line; close it with the quote it began "
      "with" },
    { "/* to be\n"
      "continued",
      "dir/t.conf:1:1: this comment does not end; close it with */" },
    { "role \"a\" { publish = a/+/b }", "dir/t.conf:1:24: '+' must stand inside quotes" },
    { "role \"a\" { publish = { a/+/b, c/+/d,\n"
      " e/# } }",
      "dir/t.conf:1:26: '+' must stand inside quotes\n"
      "dir/t.conf:2:4: '#' must stand inside quotes" },
    { "role \"a\" { publish = { a/# }\n"
      "}",
      "dir/t.conf:1:26: '#' must stand inside quotes" },
    { "shards = 2#two", "dir/t.conf:1:11: '#' must stand inside quotes" },
    { "# fine\n"
      "// not",
      "dir/t.conf:2:1: comments begin with #; a path with // goes into quotes" },
    { "state = http://x",
      "dir/t.conf:1:14: comments begin with #; a path with // goes into quotes" },
    { "state = \"/${HOME}\"",
      "dir/t.conf:1:11: ${...} is not expanded here; write the value, or %{device}, %{tenant}, "
      "%{site} in a topic" },
    { "state = \"/a\\0\"",
      "dir/t.conf:1:12: unknown escape in a string; write \\\\ for a backslash" },
    { "state = \"/a\001\"", "dir/t.conf:1:12: control character inside a string; remove it" },
    { "state = \"/a\377\"", "dir/t.conf:1:9: this string is not UTF-8; write the file in UTF-8" },
    { "include(\"t.conf\")", "dir/t.conf:1:8: '(' must stand inside quotes" },
    { "shards = \303\244", "dir/t.conf:1:10: a character that only a quoted string may hold" },
    { "\357\273\277shards = 2", "dir/t.conf:1:1: a character that only a quoted string may hold" },
    /* files */
    { "include = none.conf", "dir/none.conf: no such file; check the name" },
    { "include = { \"t.conf\" }",
      "dir/t.conf:1:13: dir/t.conf is read already; remove this include" },
    { "include = { \"t.conf\", \"/none\", \"t.conf\" }",
      "dir/t.conf:1:13: dir/t.conf is read already; remove this include\n"
      "dir/t.conf:1:32: dir/t.conf is read already; remove this include\n"
      "/none: no such file; check the name" },
    /* several at once */
    { "shardz = x\n"
      "log {\n"
      "  level = loud\n"
      "  formt = json\n"
      "}\n"
      "role \"a\" {\n"
      "  retain = perhaps\n"
      "  wildcards = on\n"
      "  publish = { \"a\" \"b\" }\n"
      "}\n"
      "shards = 999\n",
      "dir/t.conf:1:1: unknown word 'shardz'; did you mean 'shards'?\n"
      "dir/t.conf:4:3: unknown word 'formt' in log; did you mean 'format'?\n"
      "dir/t.conf:8:3: wildcards is a block; write: wildcards { prefix = ... }\n"
      "dir/t.conf:9:19: a ',' is missing before 'b'\n"
      "dir/t.conf:7:12: retain = \"perhaps\": write on or off\n"
      "dir/t.conf:11:10: shards = \"999\": write a whole number from 0 to 256\n"
      "dir/t.conf:3:11: level = \"loud\": write one of error, warning, notice, info, debug" },
};

static void bad_texts(void **state)
{
    (void)state;
    test_refuses(bad, MQTT_ARRAY_LEN(bad));
}

/* Whatever a text broke off in, the next one is read as if it had not been. */
static void good_after_each_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++) {
        test_refuses(&bad[i], 1);
        config_unref(test_load_good("shards = 3 # three\n", NULL));
    }
}

/* Every beginning of a text ends somewhere, and says where. */
static void every_truncation(void **state)
{
    static const char text[] = "shards = 2 /* two */\nrole 'a' {\n  publish += { \"x\\n\", y }\n"
                               "  wildcards { prefix = \"a/\" }\n}\nlog { }\n";
    (void)state;
    for (size_t len = 0; len < sizeof(text); len++) {
        char part[sizeof(text)];
        memcpy(part, text, len);
        part[len] = '\0';
        const struct test_files texts = { part, NULL };
        struct test_complaints complaints;
        struct config *config = NULL;
        int status = test_load(&texts, NULL, &complaints, &config);
        assert_true((status == 0) == (complaints.used == 0));
        if (status != 0)
            assert_memory_equal(complaints.text, "dir/t.conf:", strlen("dir/t.conf:"));
        config_unref(config);
    }
}

/* Twenty are shown, and that there are more. */
static void many_errors(void **state)
{
    char text[30 * 8 + 1] = "";
    struct test_complaints complaints;
    struct config *config = NULL;
    size_t lines = 1;

    (void)state;
    for (size_t i = 0; i < 30; i++)
        memcpy(text + 8 * i, "bad = 1\n", 9);
    const struct test_files texts = { text, NULL };
    assert_int_equal(test_load(&texts, NULL, &complaints, &config), -EINVAL);
    for (const char *at = complaints.text; *at != '\0'; at++)
        lines += *at == '\n' ? 1 : 0;
    assert_int_equal(lines, DIAGNOSTICS_MAX + 1);
    const char *last = strrchr(complaints.text, '\n') + 1;
    assert_string_equal(last, "dir/t.conf:21:1: more than 20 errors; correct these first");
}

/* Blocks are counted, so that looking for names stays quick. */
static void many_blocks(void **state)
{
    static const char block[] = "log{}role a{";
    static const char inner[] = "grant{publish=x}";
    size_t room = sizeof(block) + SETTINGS_BLOCKS * (sizeof(inner) - 1);
    char *text = malloc(room);
    struct test_complaints complaints;
    struct config *config = NULL;

    (void)state;
    assert_non_null(text);
    memcpy(text, block, sizeof(block) - 1);
    /* What is outside of blocks, log and role count, too: the last one is too many. */
    for (size_t i = 0; i < SETTINGS_BLOCKS - 2; i++)
        memcpy(text + sizeof(block) - 1 + i * (sizeof(inner) - 1), inner, sizeof(inner) - 1);
    text[sizeof(block) - 1 + (SETTINGS_BLOCKS - 2) * (sizeof(inner) - 1)] = '\0';
    const struct test_files texts = { text, NULL };
    assert_int_equal(test_load(&texts, NULL, &complaints, &config), -EINVAL);
    assert_string_equal(complaints.text,
                        "dir/t.conf:1:262109: more than 16384 blocks; join some of them\n"
                        "dir/t.conf:1:12: this { is not closed; add the missing }");
    free(text);
}

/* ---- what is understood ---- */

static void read(const char *main, const char *more, struct settings *out)
{
    struct test_files texts = { main, more };
    const struct settings_files files = { &texts, test_files_read };
    struct test_complaints complaints = { .used = 0 };
    struct diagnostics diagnostics = { test_complaints_line, &complaints, 0 };

    assert_int_equal(settings_read("dir/t.conf", &files, &diagnostics, out), 0);
    assert_string_equal(complaints.text, "");
}

static const struct {
    const char *text;
    const char *value; /* of "state" */
    unsigned line;
    unsigned column;
} good[] = {
    { "state = /a/b_c-d.e:f%g", "/a/b_c-d.e:f%g", 1, 9 },
    { "state=x", "x", 1, 7 },
    { "state\n=\n\n  x", "x", 4, 3 },
    { "/* a */ state /* b\n */ = # c\n\t\"x\"", "x", 3, 2 },
    { "state = \"\"", "", 1, 9 },
    { "state = 'a\"b'", "a\"b", 1, 9 },
    { "state = \"a'b # no comment /* nor */\"", "a'b # no comment /* nor */", 1, 9 },
    { "state = \"\\\"\\\\\\n\\t\\r\\'\\#\\$\\%\\{\\}\\/\\ \"", "\"\\\n\t\r'#$%{}/ ", 1, 9 },
    { "\r\nstate = \"\303\244\"\r\n", "\303\244", 2, 9 },
    { "log { } state = x shards = 1", "x", 1, 17 },
};

static void values(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(good); i++) {
        struct settings settings;
        read(good[i].text, NULL, &settings);
        const struct setting *item =
            settings_value(settings_find(&settings, SETTINGS_TOP, ""), "state");
        assert_non_null(item);
        assert_string_equal(item->text, good[i].value);
        assert_string_equal(item->file, "dir/t.conf");
        assert_int_equal(item->line, good[i].line);
        assert_int_equal(item->column, good[i].column);
        settings_free(&settings);
    }
}

static void lists(void **state)
{
    static const char *const expected[] = { "a", "b", "c", "d", "e" };
    struct settings settings;

    (void)state;
    read("role r {\n publish = { \"a\", b, }\n publish += c\n publish += { d,\n  e }\n"
         " subscribe = { }\n}",
         NULL, &settings);
    const struct settings_block *role = settings_find(&settings, SETTINGS_ROLE, "r");
    assert_int_equal(role->count, MQTT_ARRAY_LEN(expected));
    for (size_t i = 0; i < role->count; i++) {
        assert_string_equal(role->items[i].key, "publish");
        assert_string_equal(role->items[i].text, expected[i]);
    }
    assert_int_equal(role->items[4].line, 5);
    assert_int_equal(role->items[4].column, 3);
    settings_free(&settings);
}

/* Blocks stand in the order of the files, those inside a role right behind it. */
static void blocks(void **state)
{
    static const struct {
        enum settings_kind kind;
        size_t parent;
        unsigned line;
        unsigned column;
    } expected[] = {
        { SETTINGS_TOP, SETTINGS_NONE, 1, 0 },
        { SETTINGS_ROLE, 0, 2, 1 },
        { SETTINGS_GRANT, 1, 3, 3 },
        { SETTINGS_WILDCARDS, 1, 4, 3 },
        { SETTINGS_GRANT, 1, 4, 17 },
        { SETTINGS_LOG, 0, 6, 1 },
        { SETTINGS_ROLE, 0, 1, 1 },
        { SETTINGS_WILDCARDS, 6, 1, 12 },
    };
    struct settings settings;

    (void)state;
    read("include = more.conf\nrole \"a\" {\n  grant { owner = x }\n  wildcards { } grant { }\n}\n"
         "log { level = info }\nlog { format = json }",
         "role \"b\" { wildcards { } }", &settings);
    assert_int_equal(settings.block_count, MQTT_ARRAY_LEN(expected));
    for (size_t i = 0; i < settings.block_count; i++) {
        const struct settings_block *block = &settings.blocks[i];
        assert_int_equal(block->kind, expected[i].kind);
        assert_int_equal(block->parent, expected[i].parent);
        assert_int_equal(block->line, expected[i].line);
        assert_int_equal(block->column, expected[i].column);
        assert_false(block->is_void);
    }
    assert_int_equal(settings.blocks[5].count, 2);
    assert_string_equal(settings.blocks[6].file, "dir/more.conf");
    settings_free(&settings);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_texts),
        cmocka_unit_test(good_after_each_bad),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(many_errors),
        cmocka_unit_test(many_blocks),
        cmocka_unit_test(values),
        cmocka_unit_test(lists),
        cmocka_unit_test(blocks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
