/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/log_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct audit_record *record(void)
{
    static struct audit_record one;

    one = (struct audit_record){
        .sequence = 1,
        .time = span_of("2027-01-31T12:00:00.500Z"),
        .kind = span_of("refused"),
        .fields = span_of(",\"device\":\"a\\u0022b\",\"role\":\"lamp\""),
    };
    return &one;
}

static void only_what_is_asked_for_is_wanted(void **state)
{
    static const struct {
        struct identity_options options;
        bool wants;
    } rows[] = {
        { { .json = true }, true },
        { { .kind = "refused" }, true },
        { { .kind = "refuse" }, false },
        { { .kind = "refuse*" }, true },
        { { .kind = "*" }, true },
        { { .kind = "fuse*" }, false },
        { { .kind = "" }, false },
        { { .device = "a\"b" }, true },
        { { .device = "a\"" }, false },
        { { .since = "2027-01-31T12:00:00.500Z" }, true },
        { { .since = "2027-01-31T12:00:00.501Z" }, false },
        { { .since = "2027" }, true },
        { { .since = "2028" }, false },
        { { .until = "2027-01-31" }, true },
        { { .until = "2027-01-30" }, false },
        { { .kind = "refused", .device = "other" }, false },
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        assert_int_equal(log_filter_wants(&rows[i].options, record()), rows[i].wants);
}

static int check(const char *since)
{
    const struct identity_options options = { .command = "test", .since = since };

    return log_filter_check(&options);
}

static void a_time_may_be_begun_only(void **state)
{
    static const char *const good[] = {
        "2027",          "2027-01",          "2027-01-31",
        "2027-01-31T12", "2027-01-31T12:30", "2027-01-31T12:30:15.123Z"
    };
    static const char *const bad[] = {
        "",        "202",        "yesterday",     "2027/01",
        "2027-13", "2027-02-30", "2027-01-31 12", "2027-01-31T12:30:15.123ZZ"
    };

    (void)state;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(good); i++)
        assert_int_equal(check(good[i]), 0);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(bad); i++)
        assert_int_equal(check(bad[i]), IDENTITY_EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_what_is_asked_for_is_wanted),
        cmocka_unit_test(a_time_may_be_begun_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
