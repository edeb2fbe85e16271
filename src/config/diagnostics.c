/* SPDX-License-Identifier: Apache-2.0 */
#include "config/diagnostics.h"

#include <stdarg.h>
#include <stdio.h>

void diagnostics_error(struct diagnostics *diagnostics, const char *file, unsigned line,
                       const char *format, ...)
{
    char what[DIAGNOSTIC_BYTES / 2];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(what, sizeof(what), format, arguments);
    va_end(arguments);

    char text[DIAGNOSTIC_BYTES];
    if (line == 0)
        snprintf(text, sizeof(text), "%.*s: %s", DIAGNOSTIC_BYTES / 2 - 32, file, what);
    else
        snprintf(text, sizeof(text), "%.*s:%u: %s", DIAGNOSTIC_BYTES / 2 - 32, file, line, what);
    diagnostics->errors++;
    diagnostics->line(diagnostics->context, text);
}
