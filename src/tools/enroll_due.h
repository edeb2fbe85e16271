/* SPDX-License-Identifier: Apache-2.0 */
/* When a certificate is renewed: with a third of its time left, a little earlier or later for each
 * device, so that those which began together do not come together for ever. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define ENROLL_DUE_LEAST_WAIT_S 10 /* a certificate of minutes does not make it hurry */

/* Of the certificate, seconds since 1970. */
struct enroll_due {
    int64_t not_before_s;
    int64_t not_after_s;
};

/* Is a third of the time left, or less? */
bool enroll_due_is(const struct enroll_due *due, int64_t now_s);

/* How long until then, give or take a tenth of it as `random` says; from ENROLL_DUE_LEAST_WAIT_S. */
int64_t enroll_due_wait_s(const struct enroll_due *due, int64_t now_s, uint32_t random);
