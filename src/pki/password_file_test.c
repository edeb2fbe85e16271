/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/password_file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HASH                                                                                     \
    "$7$101$D/eAlzm5t9rh/Fgz$/W9Wg7/2RjXJkKFa399YRdbIVHVYya+fA9sg5aj8k35ysFx6y1xRrd+IVCcco42Wnh" \
    "cNOlioaDYKwLydPzJRmQ=="

static void lines(void **state)
{
    static const struct {
        const char *line;
        int result;
        const char *says; /* part of the complaint, or the user */
    } rows[] = {
        { "lamp:" HASH, 1, "lamp" },
        { "a@b.c:" HASH "\r\n", 1, "a@b.c" },
        { "", 0, "" },
        { "\n", 0, "" },
        { "# lamp:" HASH, 0, "" },
        { "lamp", -EINVAL, "':'" },
        { ":" HASH, -EINVAL, "user name" },
        { "a b:" HASH, -EINVAL, "user name" },
        { "$sys:" HASH, -EINVAL, "user name" },
        { "lamp:geheim", -EINVAL, "tacit passwd lamp" },
        { "lamp:", -EINVAL, "tacit passwd lamp" },
        { "lamp:$7$geheim", -EINVAL, "damaged" },
        { "lamp:" HASH ":more", -EINVAL, "damaged" },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        struct password_line line = { .user = "" };
        struct pki_fault fault = { "" };

        assert_int_equal(password_line_parse(span_of(rows[i].line), &line, &fault), rows[i].result);
        if (rows[i].result < 0) {
            if (strstr(fault.text, rows[i].says) == NULL)
                fail_msg("%s: %s", rows[i].line, fault.text);
            assert_null(strstr(fault.text, "geheim"));
        } else {
            assert_string_equal(line.user, rows[i].says);
        }
        if (rows[i].result == 1)
            assert_string_equal(line.verifier, HASH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(lines) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
