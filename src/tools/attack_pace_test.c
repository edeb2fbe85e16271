/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/attack_pace.h"

#include <tacit/posix.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PER_S 100u
#define TIMES 5u

/* Only that it is not faster can be said on a machine that is busy. */
static void is_not_faster_than_it_may_be(void **state)
{
    struct attack_pace *pace = attack_pace_new(PER_S);
    uint64_t began_ms = tacit_posix_now_ms();

    (void)state;
    assert_non_null(pace);
    for (unsigned i = 0; i < TIMES; i++)
        attack_pace_wait(pace);
    assert_true(tacit_posix_now_ms() - began_ms >= (TIMES - 1) * 1000 / PER_S - 1);
    attack_pace_free(pace);
    attack_pace_free(NULL);
}

static void is_shared_with_children(void **state)
{
    struct attack_pace *pace = attack_pace_new(PER_S);
    uint64_t began_ms = tacit_posix_now_ms();

    (void)state;
    assert_non_null(pace);
    pid_t child = fork();
    assert_true(child >= 0);
    for (unsigned i = 0; i < TIMES; i++)
        attack_pace_wait(pace);
    if (child == 0)
        _exit(0);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(tacit_posix_now_ms() - began_ms >= (2 * TIMES - 1) * 1000 / PER_S - 1);
    attack_pace_free(pace);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_not_faster_than_it_may_be),
        cmocka_unit_test(is_shared_with_children),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
