/* SPDX-License-Identifier: Apache-2.0 */
#include "config/settings_outline.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct notes {
    const char *text;
    char out[512];
    size_t left; /* visits until it ends */
};

static int note(void *context, const struct settings_part *part)
{
    struct notes *notes = context;
    size_t len = strlen(notes->out);
    (void)snprintf(notes->out + len, sizeof(notes->out) - len, "%.*s<%.*s>[%.*s]",
                   (int)part->word.len, (const char *)part->word.data, (int)part->title.len,
                   part->title.len != 0 ? (const char *)part->title.data : "",
                   (int)(part->end - part->begin), notes->text + part->begin);
    return --notes->left == 0 ? 7 : 0;
}

static int outline(struct notes *notes, const char *text)
{
    struct mqtt_span span = test_span_new(text);
    *notes = (struct notes){ .text = text, .left = 100 };
    int result = settings_outline(span, note, notes);
    test_span_free(span);
    return result;
}

static void entries_have_their_places(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } rows[] = {
        { "", "" },
        { "# nothing\n", "" },
        { "shards = 2 # two\n", "shards<>[shards = 2]" },
        { "include += { a.conf, \"b }.conf\" }\nstate=/x", "include<>[include += { a.conf, "
                                                           "\"b }.conf\" }]state<>[state=/x]" },
        { "/* { */ limits { topic-levels = 3 }", "limits<>[limits { topic-levels = 3 }]" },
        { "role \"a\\\"b\" { grant { publish = { \"}\" } } # }\n}\nrole c {}",
          "role<a\"b>[role \"a\\\"b\" { grant { publish = { \"}\" } } # }\n}]role<c>[role c {}]" },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct notes notes;
        assert_int_equal(outline(&notes, rows[i].text), 0);
        assert_string_equal(notes.out, rows[i].expected);
    }
}

static void what_is_no_entry_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "role",         "role a",         "role a {", "role a { { }",   "= 3",
        "shards =",     "shards = }",     "{ }",      "\"role\" a { }", "shards = !",
        "role a b { }", "role a { \"x }", "/* role",
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++) {
        struct notes notes;
        assert_int_equal(outline(&notes, texts[i]), -EINVAL);
    }
}

static void a_visit_may_end_it(void **state)
{
    (void)state;
    struct notes notes = { .text = "a = 1 b = 2 c = 3", .left = 2 };
    assert_int_equal(settings_outline(span_of(notes.text), note, &notes), 7);
    assert_string_equal(notes.out, "a<>[a = 1]b<>[b = 2]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_have_their_places),
        cmocka_unit_test(what_is_no_entry_is_refused),
        cmocka_unit_test(a_visit_may_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
