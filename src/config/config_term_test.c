/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_term.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void a_number(void **state)
{
    (void)state;
    static const char *const bad[] = { "",    " 1",  "1 ", "-1",  "+1",
                                       "1.0", "0x1", "11", "one", "99999999999999999999" };
    uint64_t value = 77;

    assert_int_equal(config_term_number("0", 0, 10, &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(config_term_number("10", 1, 10, &value), 0);
    assert_int_equal(value, 10);
    assert_int_equal(config_term_number("0", 1, 10, &value), -EINVAL);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_int_equal(config_term_number(bad[i], 0, 10, &value), -EINVAL);
    assert_int_equal(value, 10);
}

static void an_amount(void **state)
{
    (void)state;
    static const struct {
        const char *text, *unit;
        int error;
        uint64_t value;
    } rows[] = {
        { "0", "bytes", 0, 0 },
        { "17", "bytes", 0, 17 },
        { "17B", "bytes", 0, 17 },
        { "4KiB", "bytes", 0, 4096 },
        { "4 MiB", "bytes", 0, 4194304 },
        { "16383GiB", "bytes", 0, UINT64_C(16383) << 30 },
        { "3m", "ms", 0, 180000 },
        { "2d", "s", 0, 172800 },
        { "5", "messages", 0, 5 },
        { "5B", "messages", -EINVAL, 0 },
        { "2d", "ms", -EINVAL, 0 },
        { "4kib", "bytes", -EINVAL, 0 },
        { "4KiB ", "bytes", -EINVAL, 0 },
        { "KiB", "bytes", -EINVAL, 0 },
        { "-1", "bytes", -EINVAL, 0 },
        { "", "bytes", -EINVAL, 0 },
        { "18446744073709551616", "bytes", -EINVAL, 0 },
        { "18446744073709551615GiB", "bytes", -ERANGE, 0 },
    };

    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++) {
        uint64_t value = 0;
        assert_int_equal(config_term_amount(rows[i].text, rows[i].unit, &value), rows[i].error);
        assert_true(value == rows[i].value);
    }
}

static void the_suffixes(void **state)
{
    (void)state;
    static const char all[] = "B KiB MiB GiB";
    char out[32];

    config_term_suffixes("s", out, sizeof(out));
    assert_string_equal(out, "s m h d");
    config_term_suffixes("messages", out, sizeof(out));
    assert_string_equal(out, "");
    for (size_t size = 1; size <= sizeof(all); size++) {
        char *exact = malloc(size);
        assert_non_null(exact);
        config_term_suffixes("bytes", exact, size);
        assert_memory_equal(exact, all, size - 1);
        assert_int_equal(exact[size - 1], '\0');
        free(exact);
    }
}

static void a_switch(void **state)
{
    (void)state;
    bool is_on = false;

    assert_null(config_term_switch("on", &is_on));
    assert_true(is_on);
    assert_null(config_term_switch("no", &is_on));
    assert_false(is_on);
    assert_string_equal(config_term_switch("maybe", &is_on), "write on or off");
    assert_non_null(config_term_switch("", &is_on));
}

static void a_payload(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "268435456", "256MiB", "99999999999GiB", "1KB", "any" };
    uint32_t bytes = 7;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_non_null(strstr(config_term_payload(bad[i], &bytes), "268435455"));
    assert_int_equal(bytes, 7);
    assert_null(config_term_payload("268435455", &bytes));
    assert_int_equal(bytes, CONFIG_TERM_PAYLOAD_MAX);
    assert_null(config_term_payload("0", &bytes));
    assert_int_equal(bytes, 0);
}

static void a_rate(void **state)
{
    (void)state;
    static const char *const bad[] = { "",     "10",   "0/s",  "10/d",        "/s",
                                       "1/s ", "-1/s", "1 /s", "1000000001/s" };
    uint32_t messages = 7;
    uint32_t seconds = 8;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_non_null(config_term_rate(bad[i], &messages, &seconds));
    assert_int_equal(messages, 7);
    assert_int_equal(seconds, 8);
    assert_null(config_term_rate("1000000000/h", &messages, &seconds));
    assert_int_equal(messages, CONFIG_TERM_RATE_MAX);
    assert_int_equal(seconds, 3600);
    assert_null(config_term_rate("60/m", &messages, &seconds));
    assert_int_equal(seconds, 60);
}

static void a_depth(void **state)
{
    (void)state;
    static const char *const bad[] = { "", "0", "65", "all", "-1", "1 " };
    uint32_t levels = 7;

    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_string_equal(config_term_depth(bad[i], &levels),
                            "write a whole number from 1 to 64, or any");
    assert_int_equal(levels, 7);
    assert_null(config_term_depth("64", &levels));
    assert_int_equal(levels, CONFIG_TERM_DEPTH_MAX);
    assert_null(config_term_depth("any", &levels));
    assert_int_equal(levels, 0);
}

static void an_expiry(void **state)
{
    (void)state;
    int64_t date_s = 0;
    int64_t lasts_s = 0;

    assert_null(config_term_expiry("never", &date_s, &lasts_s));
    assert_true(date_s == 0 && lasts_s == 0);
    assert_null(config_term_expiry("30d", &date_s, &lasts_s));
    assert_true(date_s == 0 && lasts_s == 2592000);
    assert_null(config_term_expiry("1970-01-02", &date_s, &lasts_s));
    assert_true(date_s == 86400 && lasts_s == 2592000);
    assert_non_null(strstr(config_term_expiry("30d", &date_s, NULL), "write a date"));
    assert_non_null(strstr(config_term_expiry("soon", &date_s, &lasts_s), "write a duration"));
    assert_non_null(strstr(config_term_expiry("nevr", &date_s, &lasts_s), "did you mean 'never'"));
    assert_non_null(strstr(config_term_expiry("2026-02-30", &date_s, &lasts_s), "no such time"));
    assert_non_null(config_term_expiry("", &date_s, &lasts_s));
    assert_true(date_s == 86400 && lasts_s == 2592000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number), cmocka_unit_test(an_amount), cmocka_unit_test(the_suffixes),
        cmocka_unit_test(a_switch), cmocka_unit_test(a_payload), cmocka_unit_test(a_rate),
        cmocka_unit_test(a_depth),  cmocka_unit_test(an_expiry),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
