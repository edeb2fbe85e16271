/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/sense/fleet_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static void test_a_specification_is_read(void **state)
{
    struct fleet_spec spec;

    (void)state;
    assert_true(fleet_spec_parse("R12:+20%@1d12h+90m:devices=3:persona=meter", &spec));
    assert_string_equal(spec.name, "R12");
    assert_string_equal(spec.intensity, "+20%");
    assert_true(spec.at_us == INT64_C(36) * 3600 * 1000000);
    assert_true(spec.for_us == INT64_C(90) * 60 * 1000000);
    assert_int_equal(spec.devices, 3);
    assert_int_equal(spec.persona, persona_find("meter"));
    assert_true(fleet_spec_parse("restart@5s", &spec));
    assert_string_equal(spec.intensity, "");
    assert_true(spec.for_us == 0 && spec.devices == 0 && spec.persona == 0);
}

static void test_what_is_no_specification_is_refused(void **state)
{
    static const char *const cases[] = {
        "",
        "R6",
        "@1s",
        "R6:@1s",
        "R6:x2",
        "R6:x2@",
        "R6:x2@1",
        "R6:x2@1w",
        "R6:x2@1s+",
        "R6:x2@1s+0s",
        "R6:x2@1s!",
        "R6:x2@1s:",
        "R6:x2@1s:devices=",
        "R6:x2@1s:devices=0",
        "R6:x2@1s:devices=60001",
        "R6:x2@1s:persona=nobody",
        "R6:x2@99999999999999999999s",
        "R6:x2@4000d",
        "a_name_that_is_too_long_for_any@1s",
    };
    struct fleet_spec spec = { .devices = 42 };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_false(fleet_spec_parse(cases[i], &spec));
    assert_int_equal(spec.devices, 42);
}

/* `second` may be NULL. The words stay where they are for the options, which borrow them. */
static enum fleet_wish wish_of(const char *first, const char *second, struct fleet_options *options)
{
    static char words[3][32];
    char *argv[] = { words[0], words[1], words[2], NULL };

    (void)snprintf(words[1], sizeof words[1], "%s", first);
    (void)snprintf(words[2], sizeof words[2], "%s", second != NULL ? second : "");
    return fleet_options_read(second != NULL ? 3 : 2, argv, options);
}

static void test_options_that_are_none(void **state)
{
    static const char *const cases[][2] = {
        { "--nonsense", "1" },  { "--seed", NULL },       { "--seed", "x" },
        { "--seed", "1x" },     { "--devices", "60001" }, { "--each", "0" },
        { "--personas", "0" },  { "--personas", "3-2" },  { "--personas", "1-99" },
        { "--personas", "1-" }, { "--for", "0s" },        { "--for", "3" },
        { "--from", "3d" },     { "--attack", "R6" },     { "--event", "" },
        { "--truth", "" },      { "seed", "1" }
    };
    struct fleet_options options;

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(wish_of(cases[i][0], cases[i][1], &options), FLEET_COMPLAIN);
        assert_non_null(options.complaint);
    }
}

static void test_options_that_are_some(void **state)
{
    struct fleet_options options;

    (void)state;
    assert_int_equal(wish_of("--help", NULL, &options), FLEET_HELP);
    assert_int_equal(wish_of("--list", NULL, &options), FLEET_LIST);
    assert_int_equal(wish_of("--personas", "11-20", &options), FLEET_RUN);
    assert_int_equal(options.plan.first_persona, 11);
    assert_int_equal(options.plan.last_persona, 20);
    assert_int_equal(wish_of("--personas", "4", &options), FLEET_RUN);
    assert_int_equal(options.plan.last_persona, 4);
    assert_int_equal(wish_of("--for", "2h", &options), FLEET_RUN);
    assert_true(options.plan.end_us - options.plan.start_us == INT64_C(7200000000));
    assert_int_equal(wish_of("--from", "2d", &options), FLEET_RUN);
    assert_true(options.plan.from_us - options.plan.start_us == INT64_C(2) * 86400 * 1000000);
    assert_int_equal(wish_of("--attack", "R6:x2@1h", &options), FLEET_RUN);
    assert_int_equal(options.plan.attack_count, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_specification_is_read),
        cmocka_unit_test(test_what_is_no_specification_is_refused),
        cmocka_unit_test(test_options_that_are_none),
        cmocka_unit_test(test_options_that_are_some),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
