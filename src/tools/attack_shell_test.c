/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_shell.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void tells_how_a_command_ended(void **state)
{
    (void)state;
    assert_int_equal(attack_shell_run("true"), 0);
    assert_int_equal(attack_shell_run("exit 7"), 7);
    assert_int_equal(attack_shell_run("kill -9 $$"), 128 + 9);
    assert_int_equal(attack_shell_run("no-command-of-this-name 2>/dev/null"), 127);
}

static void gives_it_nothing_to_read(void **state)
{
    (void)state;
    assert_int_equal(attack_shell_run("read word && exit 3; exit 0"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_how_a_command_ended),
        cmocka_unit_test(gives_it_nothing_to_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
