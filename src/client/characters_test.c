/* SPDX-License-Identifier: Apache-2.0 */
/* What the client takes for text is what the codec takes for it. */
#include "client/characters.h"

#include "base/testing.h"
#include "client/stand.h"
#include "codec/topic.h"
#include "codec/utf8.h"

/* Each begins, ends or borders on a range of what may stand somewhere. */
static const uint8_t corners[] = { 0x00, 0x01, '#',  '+',  'a',  0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                   0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec, 0xed, 0xee, 0xef,
                                   0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf7, 0xf8, 0xf9, 0xfc, 0xff };

static void compare(const uint8_t *text, size_t len)
{
    const struct mqtt_span span = { text, len };
    bool is_text = mqtt_utf8_is_valid(span);
    assert_int_equal(tacit_is_text(text, len), is_text);
    assert_int_equal(tacit_is_topic(text, len), is_text && mqtt_topic_name_is_valid(span));
}

/* Of up to four corners, alone and behind a word of plain text. */
static void short_texts(void **state)
{
    (void)state;
    const unsigned count = sizeof(corners);
    uint8_t text[8] = "abcd";
    for (unsigned i = 0; i < count * count * count; i++) {
        text[4] = corners[i % count];
        text[5] = corners[i / count % count];
        text[6] = corners[i / count / count];
        for (size_t len = 1; len <= 3; len++) {
            compare(text + 4, len);
            compare(text, len + 4);
        }
        for (unsigned last = 0; text[4] >= 0xf0 && last < count; last++) {
            text[7] = corners[last];
            compare(text + 4, 4);
        }
    }
    compare(text, 0);
}

static void long_texts(void **state)
{
    (void)state;
    struct test_random random = { 8 };
    for (unsigned round = 0; round < 100000; round++) {
        uint8_t text[24];
        size_t len = test_random_below(&random, sizeof(text) + 1);
        memset(text, 'x', sizeof(text));
        for (size_t changed = test_random_below(&random, 4); changed > 0; changed--)
            text[test_random_below(&random, sizeof(text))] =
                corners[test_random_below(&random, sizeof(corners))];
        compare(text, len);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_texts),
        cmocka_unit_test(long_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
