/* SPDX-License-Identifier: Apache-2.0 */
/* May it be signed? What the steward asks before it uses the key of the CA, of requests by a process
 * that may have been taken over. What a certificate looks like is not asked: the steward makes it
 * (ca.h), for a name and a key. -EPERM: no, and why. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/crl_list.h"
#include "pki/fault.h"

#include <stddef.h>
#include <stdint.h>

/* A certificate for the key of a request: it is none of these, which are the CA's, each
 * KEY_SHA256_BYTES long. */
MQTT_NODISCARD int warrant_issue(const struct csr *csr, const uint8_t *keys, size_t key_count,
                                 struct pki_fault *fault);

/* A revocation list after another one: it names nothing twice, and all that was revoked before, since
 * then or earlier, unless it has expired so long ago that nobody asks any more. What was on hold may
 * be gone. When a certificate expires counts as it was said first. A number that is not higher than
 * that before becomes so: the file that had the last may have been lost. Sorts `next`; `before` is
 * sorted. */
MQTT_NODISCARD int warrant_list(const struct crl_entries *before, struct crl_entries *next,
                                int64_t now_s, struct pki_fault *fault);

/* A statement about a certificate: it is one of a server, signed by this CA, and valid. */
MQTT_NODISCARD int warrant_vouch(const struct certificate *server, const struct ca *ca,
                                 int64_t now_s, struct pki_fault *fault);
