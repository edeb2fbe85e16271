/* SPDX-License-Identifier: Apache-2.0 */
#include "config/suggest.h"

#include "base/attrs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const words[] = { "publish", "subscribe", "deny-publish", "port", "path" };

static const struct {
    const char *word;
    const char *nearest; /* "" for none */
} rows[] = {
    { "publsh", "publish" },
    { "pubilsh", "publish" },
    { "publish", "publish" },
    { "subcribe", "subscribe" },
    { "pert", "port" },
    { "Port", "port" },
    { "deny-publis", "deny-publish" },
    { "listener", "" },
    { "x", "" },
    { "pat", "path" },
    { "foo", "" },
    { "pith", "path" },
    { "pooh", "" },
    { "", "" },
    { "deny_publish", "deny-publish" },
};

static void nearest_word(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        const char *found = suggest_nearest(rows[i].word, words, MQTT_ARRAY_LEN(words));
        assert_string_equal(found != NULL ? found : "", rows[i].nearest);
    }
}

static void a_very_long_word_is_no_slip(void **state)
{
    char word[4096];

    (void)state;
    memset(word, 'p', sizeof(word) - 1);
    word[sizeof(word) - 1] = '\0';
    assert_null(suggest_nearest(word, words, MQTT_ARRAY_LEN(words)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nearest_word),
        cmocka_unit_test(a_very_long_word_is_no_slip),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
