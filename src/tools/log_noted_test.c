/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_noted.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define HASH "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEAD                                                                    \
    "{\"log\":\"00112233445566778899aabbccddeeff\",\"seq\":12,\"hash\":\"" HASH \
    "\",\"time\":\"2027-01-31T12:00:00.000Z\",\"signature\":\"" HASH HASH "\"}"

static void what_was_noted_is_read(void **state)
{
    static const char *const texts[] = { "12:" HASH, "12:" HASH "\n", "12:" HASH " \n\n", HEAD,
                                         HEAD "\n" };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++) {
        struct audit_noted noted = { 0 };
        assert_true(log_noted_parse(span_of(texts[i]), &noted));
        assert_int_equal(noted.sequence, 12);
        assert_int_equal(noted.hash[1], 0x11);
    }
}

static void other_texts_are_refused(void **state)
{
    static const char *const texts[] = { "",        "12",           "12:",       ":" HASH,
                                         "0:" HASH, "12:" HASH "0", "x12:" HASH, " 12:" HASH,
                                         "{}",      HEAD "x",       "12 :" HASH };
    struct audit_noted noted = { .sequence = 7 };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(texts); i++)
        assert_false(log_noted_parse(span_of(texts[i]), &noted));
    assert_int_equal(noted.sequence, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_noted_is_read),
        cmocka_unit_test(other_texts_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
