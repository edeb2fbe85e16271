/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/fault.h"

#include <openssl/err.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 0))) static void fill(struct pki_fault *fault, const char *format,
                                                       va_list arguments)
{
    if (fault == NULL)
        return;
    (void)vsnprintf(fault->text, sizeof(fault->text), format, arguments);
    /* A path may hold anything; a message is one line. */
    for (char *c = fault->text; *c != '\0'; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
}

int pki_fail(struct pki_fault *fault, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(fault, format, arguments);
    va_end(arguments);
    return error;
}

int pki_fail_crypto(struct pki_fault *fault, int error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fill(fault, format, arguments);
    va_end(arguments);

    unsigned long code = ERR_peek_last_error();
    const char *reason = code != 0 ? ERR_reason_error_string(code) : NULL;
    ERR_clear_error();
    if (fault != NULL && reason != NULL) {
        size_t used = strlen(fault->text);
        (void)snprintf(fault->text + used, sizeof(fault->text) - used, " (OpenSSL: %s)", reason);
    }
    return error;
}
