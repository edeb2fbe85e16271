/* SPDX-License-Identifier: Apache-2.0 */
/* ratchet-model [CONNECTS]: every fork is noticed and there is no false alarm, in any order of up to
 * that many connects' worth of steps. Exit code 1 if not. */
#include "ratchet/explore.h"

#include <stdio.h>
#include <stdlib.h>

#define STEPS_OF_CONNECT 5u /* open, judge, receive, store, confirm */
#define CONNECTS         8u
#define CONNECTS_MAX     40u

/* In decimal; 39 digits at most. */
static const char *text_of(explore_count count, char out[40])
{
    char *at = out + 39;

    *at = '\0';
    do
        *--at = (char)('0' + (int)(count % 10));
    while ((count /= 10) > 0);
    return at;
}

int main(int argc, char **argv)
{
    char texts[3][40];
    unsigned long connects = argc > 1 ? strtoul(argv[1], NULL, 10) : CONNECTS;

    if (connects < 1 || connects > CONNECTS_MAX) {
        (void)fprintf(stderr, "ratchet-model [CONNECTS], from 1 to %u\n", CONNECTS_MAX);
        return 2;
    }
    const struct world first = world_first();
    unsigned depth = (unsigned)connects * STEPS_OF_CONNECT;
    const struct explore_result result = explore(&first, depth);
    (void)printf("depth %lu connects (%u steps), %zu worlds\n", connects, depth, result.worlds);
    (void)printf("%s interleavings, %s forks missed, %s false alarms\n",
                 text_of(result.interleavings, texts[0]), text_of(result.missed, texts[1]),
                 text_of(result.false_alarms, texts[2]));
    return result.missed != 0 || result.false_alarms != 0;
}
