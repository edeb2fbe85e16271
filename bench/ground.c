/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/ground.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void must(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what,
            errno != 0 ? strerror(errno) : "not as it should be");
    exit(1);
}

double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}
