/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/siege/input.h"

#include <poll.h>
#include <unistd.h>

enum input input_line(char *out, size_t len)
{
    struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
    size_t used = 0;
    char next;

    if (poll(&input, 1, 0) <= 0)
        return INPUT_NOTHING;
    /* The other end writes whole lines. */
    while (read(STDIN_FILENO, &next, 1) == 1) {
        if (next == '\n') {
            out[used] = '\0';
            return INPUT_LINE;
        }
        if (used + 1 < len)
            out[used++] = next;
    }
    return INPUT_ENDED;
}
