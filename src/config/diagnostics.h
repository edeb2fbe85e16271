/* SPDX-License-Identifier: Apache-2.0 */
/* Complaints about what an operator wrote: one line each, "file:line: what; what to
 * do". Collected through a callback so that all of them can be shown, not only the
 * first.
 *
 * Owner: the thread that reads the configuration. */
#pragma once

#define DIAGNOSTIC_BYTES 1024 /* longest line, NUL included; the rest is cut off */

struct diagnostics {
    void (*line)(void *context, const char *text); /* text borrowed, without newline */
    void *context;
    unsigned errors; /* how many so far */
};

/* `line` 0: the file as a whole. */
void diagnostics_error(struct diagnostics *diagnostics, const char *file, unsigned line,
                       const char *format, ...) __attribute__((format(printf, 4, 5)));
