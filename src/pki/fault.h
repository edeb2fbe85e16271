/* SPDX-License-Identifier: Apache-2.0 */
/* Why a pki function failed, in a sentence for the person at the keyboard: what, where,
 * what to do. Functions that take a `struct pki_fault *` fill it when they return a
 * negative errno (but -ENOMEM); after success its text means nothing. NULL is fine. Never
 * contains a secret. */
#pragma once

#include "base/attrs.h"

#define PKI_FAULT_BYTES 640

struct pki_fault {
    char text[PKI_FAULT_BYTES]; /* one line without newline */
};

/* Fills `fault` and returns `error` (negative errno), so that a failure is one statement. */
__attribute__((format(printf, 3, 4))) int pki_fail(struct pki_fault *fault, int error,
                                                   const char *format, ...);

/* The same for a failed OpenSSL call: appends the library's own reason and empties its
 * error queue. */
__attribute__((format(printf, 3, 4))) int pki_fail_crypto(struct pki_fault *fault, int error,
                                                          const char *format, ...);
