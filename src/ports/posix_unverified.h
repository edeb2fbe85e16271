/* SPDX-License-Identifier: Apache-2.0 */
/* TLS with anybody. For `tacit enroll` alone, and only for what proves itself otherwise: the
 * certificate of an authority whose fingerprint is known. Nothing secret goes over it. */
#pragma once

#include <tacit/posix.h>

/* As tacit_tls_new(), but the certificate of the server is not looked at. */
struct tacit_tls *tacit_tls_unverified_new(char *error, size_t error_size);
