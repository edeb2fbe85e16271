/* SPDX-License-Identifier: Apache-2.0 */
/* The statement of our CA that a certificate is good (RFC 6960), which the server staples to its
 * handshakes for clients that ask. Signed by the CA itself. Thread: any. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/fault.h"

#include <stdbool.h>
#include <stdint.h>

#define OCSP_DAYS 7

/* Is the response in the file about that certificate, by that CA, and is less than half of its time
 * gone? False also where there is none. */
bool ocsp_is_current(const char *path, const struct certificate *certificate,
                     const struct certificate *authority, int64_t now_s);

/* The same as long as any of its time is left: may it be shown to clients? */
bool ocsp_is_good(const char *path, const struct certificate *certificate,
                  const struct certificate *authority, int64_t now_s);

/* A response that the certificate is good, by the CA or who signs for it. */
MQTT_NODISCARD int ocsp_make(const struct certificate *certificate, const struct ca *ca,
                             int64_t now_s, struct der *out, struct pki_fault *fault);

/* Writes one, whole or not at all, mode 0600. */
MQTT_NODISCARD int ocsp_write(const char *path, const struct certificate *certificate,
                              const struct ca *ca, int64_t now_s, struct pki_fault *fault);
