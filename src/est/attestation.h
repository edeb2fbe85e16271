/* SPDX-License-Identifier: Apache-2.0 */
/* A device proves that its key is in a TPM: two requests over the enrolment's port, with the
 * certificate of that key in the handshake (docs/attestation.md). Owner: the thread of the enrolment. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "est/trust.h"

struct est;

/* One of the two: `body` is a message in base64 as attest/message.h has it, from a peer of ours. Of the
 * answer there is a text for people in *fault besides. 0 and what is to be sent, from malloc, or NULL;
 * -EBADMSG: the message is none; -EPERM: the key is not attested, and why; errors of the registry. */
typedef int (*est_attestation_step)(struct est *est, const struct est_peer *peer,
                                    struct mqtt_span body, char **out, struct pki_fault *fault);

MQTT_NODISCARD int est_attestation_claim(struct est *est, const struct est_peer *peer,
                                         struct mqtt_span body, char **out,
                                         struct pki_fault *fault);
MQTT_NODISCARD int est_attestation_answer(struct est *est, const struct est_peer *peer,
                                          struct mqtt_span body, char **out,
                                          struct pki_fault *fault);
