/* SPDX-License-Identifier: Apache-2.0 */
/* Asking for memory before it is needed. */
#pragma once

#include <stdint.h>

#define FETCH_LINE_BYTES 64u

/* The line of the cache at `at`, and the one behind it, whoever's that is; any address is fine. A number is added
 * to, not the pointer: what lies behind the object is not for C to point to. */
static inline void fetch_lines(const void *at)
{
    __builtin_prefetch(at);
    __builtin_prefetch((const void *)((uintptr_t)at + FETCH_LINE_BYTES));
}
