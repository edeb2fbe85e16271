/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config_time.h"

#include "base/attrs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static const struct {
    const char *text;
    int64_t seconds; /* -1: refused */
} dates[] = {
    { "1970-01-02", 86400 },
    { "2000-02-29", 951782400 },
    { "2000-03-01", 951868800 },
    { "2026-12-24", 1798070400 },
    { "2026-12-24T10:00:00Z", 1798106400 },
    { "2026-12-24T23:59:59Z", 1798156799 },
    { "2038-01-19T03:14:08Z", 2147483648 },
    { "2100-02-28", 4107456000 },
    { "9999-12-31T23:59:59Z", 253402300799 },
    { "1970-01-01", -1 },
    { "1970-01-01T10:00:00Z", -1 },
    { "1969-12-31", -1 },
    { "0000-01-01", -1 },
    { "2100-02-29", -1 },
    { "2026-02-29", -1 },
    { "2026-04-31", -1 },
    { "2026-00-01", -1 },
    { "2026-13-01", -1 },
    { "2026-01-00", -1 },
    { "2026-01-32", -1 },
    { "2026-12-24T24:00:00Z", -1 },
    { "2026-12-24T10:60:00Z", -1 },
    { "2026-12-24T10:00:60Z", -1 },
    { "2026-12-24T10:00:00", -1 },
    { "2026-12-24T10:00:00.5Z", -1 },
    { "2026-12-24T10:00:00+01:00", -1 },
    { "2026-12-24t10:00:00z", -1 },
    { "2026-12-24 10:00:00Z", -1 },
    { "2026-12-24Z", -1 },
    { "2026-1-1", -1 },
    { "26-12-24", -1 },
    { "20261224", -1 },
    { " 2026-12-24", -1 },
    { "2026-12-24 ", -1 },
    { "+026-12-24", -1 },
    { "", -1 },
};

static const struct {
    const char *text;
    int64_t seconds; /* -1: refused */
} durations[] = {
    { "1s", 1 },
    { "10m", 600 },
    { "8h", 28800 },
    { "30d", 2592000 },
    { "36525d", 3155760000 },
    { "36526d", -1 },
    { "9999999999d", -1 },
    { "99999999999s", -1 },
    { "0d", -1 },
    { "30", -1 },
    { "d", -1 },
    { "", -1 },
    { "-1d", -1 },
    { "1.5h", -1 },
    { "1 d", -1 },
    { "1dd", -1 },
    { "1w", -1 },
    { "1D", -1 },
};

static void date(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(dates); i++) {
        int64_t seconds = -1;
        int status = config_time_date(dates[i].text, &seconds);
        assert_int_equal(seconds, dates[i].seconds);
        assert_int_equal(status, dates[i].seconds < 0 ? -EINVAL : 0);
    }
}

/* Each day is one day after the one before it. */
static void every_day(void **state)
{
    int64_t last = 0;

    (void)state;
    for (unsigned year = 1970; year < 2110; year++) {
        for (unsigned day = 0; day < 12 * 32; day++) {
            char text[16];
            int64_t seconds = 0;
            snprintf(text, sizeof(text), "%04u-%02u-%02u", year, day / 32 + 1, day % 32);
            if (config_time_date(text, &seconds) != 0)
                continue;
            assert_int_equal(seconds, last + 86400);
            last = seconds;
        }
    }
    assert_int_equal(last, 4417891200); /* 2109-12-31 */
}

static void duration(void **state)
{
    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(durations); i++) {
        int64_t seconds = -1;
        int status = config_time_duration(durations[i].text, &seconds);
        assert_int_equal(seconds, durations[i].seconds);
        assert_int_equal(status, durations[i].seconds < 0 ? -EINVAL : 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(date),
        cmocka_unit_test(every_day),
        cmocka_unit_test(duration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
