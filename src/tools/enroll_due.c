/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/enroll_due.h"

#define JITTER_TENTHS 10
#define JITTER_STEPS  2001 /* from -1000 to 1000 thousandths of the tenth */

static int64_t moment_of(const struct enroll_due *due)
{
    return due->not_after_s - (due->not_after_s - due->not_before_s) / 3;
}

bool enroll_due_is(const struct enroll_due *due, int64_t now_s)
{
    return now_s >= moment_of(due);
}

int64_t enroll_due_wait_s(const struct enroll_due *due, int64_t now_s, uint32_t random)
{
    int64_t left_s = moment_of(due) - now_s;
    int64_t thousandths = (int64_t)(random % JITTER_STEPS) - 1000;

    if (left_s <= 0)
        return ENROLL_DUE_LEAST_WAIT_S;
    int64_t wait_s = left_s + left_s / JITTER_TENTHS * thousandths / 1000;
    return wait_s > ENROLL_DUE_LEAST_WAIT_S ? wait_s : ENROLL_DUE_LEAST_WAIT_S;
}
