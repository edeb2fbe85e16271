/* SPDX-License-Identifier: Apache-2.0 */
#include "base/invariant.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static jmp_buf after_abort;

static void on_abort(int signal)
{
    (void)signal;
    longjmp(after_abort, 1);
}

static void truth_passes(void **state)
{
    (void)state;
    MQTT_INVARIANT(1 + 1 == 2);
}

static void falsehood_aborts(void **state)
{
    (void)state;
    void (*before)(int) = signal(SIGABRT, on_abort);
    if (setjmp(after_abort) == 0) {
        MQTT_INVARIANT(1 + 1 == 3);
        fail_msg("went on after a broken invariant");
    }
    signal(SIGABRT, before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truth_passes),
        cmocka_unit_test(falsehood_aborts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
