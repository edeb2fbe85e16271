/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints about what an operator wrote: one line each, "file:line:column: what; what
 * to do". Collected through a callback so that all of them can be shown, not only the
 * first.
 *
 * Owner: the thread that reads the configuration. */
#pragma once

#include <stdarg.h>
#include <stdbool.h>

#define DIAGNOSTIC_BYTES 1024 /* longest line, NUL included; the rest is cut off */
#define DIAGNOSTICS_MAX  20   /* shown; one more line says that there are more */

struct diagnostics {
    void (*line)(void *context, const char *text); /* text borrowed, without newline */
    void *context;
    unsigned errors; /* how many so far, shown or not */
};

/* `line` 0: the file as a whole; `column`, in bytes from 1, 0: unknown. */
void diagnostics_error(struct diagnostics *diagnostics, const char *file, unsigned line,
                       unsigned column, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
void diagnostics_verror(struct diagnostics *diagnostics, const char *file, unsigned line,
                        unsigned column, const char *format, va_list arguments)
    __attribute__((format(printf, 5, 0)));

/* No more are shown, so there is no use in looking for more. */
bool diagnostics_are_full(const struct diagnostics *diagnostics);
