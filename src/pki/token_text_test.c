/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/token_text.h"

#include "base/testing.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static int read_text(const char *text, uint8_t out[TOKEN_HASH_BYTES])
{
    return token_text_hash(span_of(text), out);
}

static void new_ones_are_read_and_differ(void **state)
{
    char text[TOKEN_TEXT_SIZE];
    char other[TOKEN_TEXT_SIZE];
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t other_hash[TOKEN_HASH_BYTES];

    (void)state;
    for (unsigned i = 0; i < 200; i++) {
        assert_int_equal(token_text_new(text), 0);
        assert_int_equal(token_text_new(other), 0);
        assert_int_equal(strlen(text), TOKEN_TEXT_SIZE - 1);
        assert_string_not_equal(text, other);
        assert_int_equal(read_text(text, hash), 0);
        assert_int_equal(read_text(other, other_hash), 0);
        assert_memory_not_equal(hash, other_hash, sizeof(hash));
    }
}

static void every_wrong_character_is_noticed(void **state)
{
    char text[TOKEN_TEXT_SIZE];
    uint8_t hash[TOKEN_HASH_BYTES];

    (void)state;
    assert_int_equal(token_text_new(text), 0);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char right = text[i];
        for (const char *c = alphabet; right != '-' && *c != '\0'; c++) {
            text[i] = *c;
            assert_int_equal(read_text(text, hash), *c == right ? 0 : -EINVAL);
        }
        text[i] = right;
    }
}

static void swapped_neighbours_are_noticed(void **state)
{
    char text[TOKEN_TEXT_SIZE];
    char plain[TOKEN_TEXT_SIZE];
    uint8_t hash[TOKEN_HASH_BYTES];
    size_t len = 0;

    (void)state;
    assert_int_equal(token_text_new(text), 0);
    for (size_t i = 0; text[i] != '\0'; i++)
        if (text[i] != '-')
            plain[len++] = text[i];
    plain[len] = '\0';
    /* The two of the checksum among themselves are beyond it. */
    for (size_t i = 0; i + 3 < len; i++) {
        char first = plain[i];
        plain[i] = plain[i + 1];
        plain[i + 1] = first;
        assert_int_equal(read_text(plain, hash), plain[i] == first ? 0 : -EINVAL);
        plain[i + 1] = plain[i];
        plain[i] = first;
    }
}

static void people_write_it_in_many_ways(void **state)
{
    char text[TOKEN_TEXT_SIZE];
    char written[2 * TOKEN_TEXT_SIZE];
    uint8_t hash[TOKEN_HASH_BYTES];
    uint8_t same[TOKEN_HASH_BYTES];
    size_t len = 0;

    (void)state;
    assert_int_equal(token_text_new(text), 0);
    assert_int_equal(read_text(text, hash), 0);
    for (size_t i = 0; text[i] != '\0'; i++) {
        char c = text[i];
        if (c >= 'A')
            c = (char)(c - 'A' + 'a');
        written[len++] = c == '0' ? 'o' : c == '1' ? (i % 2 == 0 ? 'l' : 'I') : c == '-' ? ' ' : c;
        if (i % 3 == 0)
            written[len++] = '-';
    }
    written[len] = '\0';
    assert_int_equal(read_text(written, same), 0);
    assert_memory_equal(hash, same, sizeof(hash));
}

static void what_is_no_token(void **state)
{
    static const char *const texts[] = { "",
                                         "-",
                                         "0",
                                         "0000-0000-0000-0000-0000-0000-000",
                                         "0000-0000-0000-0000-0000-0000-00000",
                                         "0000-0000-0000-0000-0000-0000-000U",
                                         "0000_0000_0000_0000_0000_0000_0000",
                                         "0000-0000-0000-0000-0000-0000-000\xc3\xa9" };
    uint8_t hash[TOKEN_HASH_BYTES] = { 7 };
    const struct mqtt_span with_nul = { (const uint8_t *)"0000000000000000000000000000", 29 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++)
        assert_int_equal(read_text(texts[i], hash), -EINVAL);
    assert_int_equal(token_text_hash(with_nul, hash), -EINVAL);
    assert_int_equal(token_text_hash((struct mqtt_span){ NULL, 0 }, hash), -EINVAL);
    assert_int_equal(hash[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(new_ones_are_read_and_differ),
        cmocka_unit_test(every_wrong_character_is_noticed),
        cmocka_unit_test(swapped_neighbours_are_noticed),
        cmocka_unit_test(people_write_it_in_many_ways),
        cmocka_unit_test(what_is_no_token),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
