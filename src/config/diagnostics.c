/* SPDX-License-Identifier: Apache-2.0 */
#include "config/diagnostics.h"

#include <stdio.h>

#define FILE_BYTES (DIAGNOSTIC_BYTES / 2 - 32) /* of a file's name that are shown */

static void show_place(char *out, size_t size, const char *file, unsigned line, unsigned column)
{
    if (line == 0)
        snprintf(out, size, "%.*s", FILE_BYTES, file);
    else if (column == 0)
        snprintf(out, size, "%.*s:%u", FILE_BYTES, file, line);
    else
        snprintf(out, size, "%.*s:%u:%u", FILE_BYTES, file, line, column);
}

void diagnostics_verror(struct diagnostics *diagnostics, const char *file, unsigned line,
                        unsigned column, const char *format, va_list arguments)
{
    char place[DIAGNOSTIC_BYTES / 2];
    char what[DIAGNOSTIC_BYTES / 2 - 2];
    char text[DIAGNOSTIC_BYTES];

    diagnostics->errors++;
    if (diagnostics->errors > DIAGNOSTICS_MAX + 1)
        return;
    show_place(place, sizeof(place), file, line, column);
    if (diagnostics->errors > DIAGNOSTICS_MAX)
        snprintf(what, sizeof(what), "more than %d errors; correct these first", DIAGNOSTICS_MAX);
    else
        vsnprintf(what, sizeof(what), format, arguments);
    snprintf(text, sizeof(text), "%s: %s", place, what);
    diagnostics->line(diagnostics->context, text);
}

void diagnostics_error(struct diagnostics *diagnostics, const char *file, unsigned line,
                       unsigned column, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    diagnostics_verror(diagnostics, file, line, column, format, arguments);
    va_end(arguments);
}

bool diagnostics_are_full(const struct diagnostics *diagnostics)
{
    return diagnostics->errors > DIAGNOSTICS_MAX;
}
