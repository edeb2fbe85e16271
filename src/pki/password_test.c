/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/password.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

/* Made by mosquitto_passwd of "geheim". */
#define SIX                                                                                    \
    "$6$ebqjFk4Dou65eeMk$aA5Z8pFbz3M3K/fPtog+LvWoSHKUNva7myTwafPJQcVH8C98LHj1RtB94RK66l69yl9O" \
    "hIsQpCU3UDc17dr7yw=="
#define SEVEN_REST                                                                              \
    "D/eAlzm5t9rh/Fgz$/W9Wg7/2RjXJkKFa399YRdbIVHVYya+fA9sg5aj8k35ysFx6y1xRrd+IVCcco42WnhcNOlio" \
    "aDYKwLydPzJRmQ=="
#define SEVEN "$7$101$" SEVEN_REST

static enum password_verdict verdict(const char *verifier, const char *password)
{
    enum password_verdict out = PASSWORD_WRONG;

    assert_int_equal(password_verify(verifier, span_of(password), &out), 0);
    return out;
}

static void what_is_hashed_is_known_again(void **state)
{
    char one[PASSWORD_VERIFIER_SIZE];
    char two[PASSWORD_VERIFIER_SIZE];

    (void)state;
    assert_int_equal(password_hash(span_of("correct horse"), one, NULL), 0);
    assert_int_equal(password_hash(span_of("correct horse"), two, NULL), 0);
    assert_string_not_equal(one, two);
    assert_true(password_verifier_is_valid(one));
    assert_int_equal(verdict(one, "correct horse"), PASSWORD_RIGHT);
    assert_int_equal(verdict(one, "correct hors"), PASSWORD_WRONG);
    assert_int_equal(verdict(one, ""), PASSWORD_WRONG);
    assert_int_equal(verdict(NULL, "correct horse"), PASSWORD_WRONG);
}

static void mosquittos_hashes_are_known(void **state)
{
    (void)state;
    assert_int_equal(verdict(SIX, "geheim"), PASSWORD_RIGHT_BUT_OLD);
    assert_int_equal(verdict(SIX, "geheim "), PASSWORD_WRONG);
    assert_int_equal(verdict(SEVEN, "geheim"), PASSWORD_RIGHT_BUT_OLD);
    assert_int_equal(verdict(SEVEN, "Geheim"), PASSWORD_WRONG);
    assert_int_equal(verdict("$7$102$" SEVEN_REST, "geheim"), PASSWORD_WRONG);
}

static void cheaper_ones_of_ours_are_old(void **state)
{
    (void)state;
    /* echo -n geheim | argon2 saltsaltsalt -id -m 10 -t 1 -p 1 -e */
    const char *cheap = "$argon2id$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0$"
                        "6/Pw7Yvr2ngdmklKPjxHjhVt9G9/bN7bvt7t7wObiu8";

    assert_true(password_verifier_is_valid(cheap));
    assert_int_equal(verdict(cheap, "geheim"), PASSWORD_RIGHT_BUT_OLD);
    assert_int_equal(verdict(cheap, "offen"), PASSWORD_WRONG);
}

static void what_costs_too_much_is_no_verifier(void **state)
{
    static const char *const rows[] = {
        "",
        "geheim",
        "$6$",
        "$6$$",
        "$6$c2FsdA==$c2hvcnQ=",
        "$7$0$" SEVEN_REST,
        "$7$-1$" SEVEN_REST,
        "$7$1000001$" SEVEN_REST,
        "$7$" SEVEN_REST,
        "$5$101$" SEVEN_REST,
        SEVEN "=",
        "$argon2id$v=19$m=65537,t=1,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=1024,t=11,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2id$v=19$m=1024,t=1,p=9$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
        "$argon2i$v=19$m=1024,t=1,p=1$c2FsdHNhbHRzYWx0$c2FsdHNhbHRzYWx0",
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        if (password_verifier_is_valid(rows[i]))
            fail_msg("%s", rows[i]);
        assert_int_equal(verdict(rows[i], "geheim"), PASSWORD_WRONG);
    }
}

static void what_may_be_set(void **state)
{
    char longest[PASSWORD_BYTES_MAX + 2];
    struct pki_fault fault = { "" };

    (void)state;
    memset(longest, 'x', sizeof(longest));
    longest[PASSWORD_BYTES_MAX + 1] = '\0';
    assert_int_equal(password_check(span_of("a B~!"), &fault), 0);
    assert_int_equal(password_check(span_of(longest + 1), &fault), 0);
    assert_int_equal(password_check(span_of(longest), &fault), -EINVAL);
    assert_int_equal(password_check(span_of(""), &fault), -EINVAL);
    assert_int_equal(password_check(span_of("tab\t"), &fault), -EINVAL);
    assert_int_equal(password_check(span_of("Schl\xc3\xbcssel"), &fault), -EINVAL);
    assert_non_null(strstr(fault.text, "ASCII"));
    assert_null(strstr(fault.text, "Schl"));
}

static void generated_ones_differ(void **state)
{
    char one[PASSWORD_GENERATED_SIZE];
    char two[PASSWORD_GENERATED_SIZE];

    (void)state;
    assert_int_equal(password_generate(one), 0);
    assert_int_equal(password_generate(two), 0);
    assert_int_equal(strlen(one), PASSWORD_GENERATED_SIZE - 1);
    assert_string_not_equal(one, two);
    assert_int_equal(password_check(span_of(one), NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_hashed_is_known_again),
        cmocka_unit_test(mosquittos_hashes_are_known),
        cmocka_unit_test(cheaper_ones_of_ours_are_old),
        cmocka_unit_test(what_costs_too_much_is_no_verifier),
        cmocka_unit_test(what_may_be_set),
        cmocka_unit_test(generated_ones_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
