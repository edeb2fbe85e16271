/* SPDX-License-Identifier: Apache-2.0 */
/* The standard input of bench-siege, asked without waiting. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum input {
    INPUT_NOTHING, /* zero */
    INPUT_LINE,
    INPUT_ENDED,
};

/* The next line, without its end, cut to what there is room for. */
enum input input_line(char *out, size_t len);
