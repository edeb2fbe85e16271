/* SPDX-License-Identifier: Apache-2.0 */
#include "client/stand.h"

static void each_status_has_its_own_words(void **state)
{
    (void)state;
    const char *unknown = tacit_status_text((enum tacit_status)1);
    for (int a = TACIT_OK; a >= TACIT_DROPPED; a--) {
        assert_string_not_equal(tacit_status_text((enum tacit_status)a), unknown);
        for (int b = TACIT_OK; b > a; b--)
            assert_string_not_equal(tacit_status_text((enum tacit_status)a),
                                    tacit_status_text((enum tacit_status)b));
    }
    assert_string_equal(tacit_status_text((enum tacit_status)(TACIT_DROPPED - 1)), unknown);
}

static void reasons_have_the_words_of_the_standard(void **state)
{
    (void)state;
    assert_string_equal(tacit_reason_text(0x87), "not authorized");
    assert_string_equal(tacit_reason_text(0x03), "unknown reason code");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_its_own_words),
        cmocka_unit_test(reasons_have_the_words_of_the_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
