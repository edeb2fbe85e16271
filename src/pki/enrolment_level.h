/* SPDX-License-Identifier: Apache-2.0 */
/* How well the key of a thing is kept, as the registry is to have it. Part of an enrolment, inside
 * its transaction. Owner: the thread of the registry. */
#pragma once

#include "base/attrs.h"
#include "pki/csr.h"
#include "pki/identity_extension.h"

struct enrolment_level {
    enum key_protection protection;
    bool is_attested; /* a TPM has proved it of this very key (attestation.h) */
};

/* What the operator says (`said`, if it is not "unknown") or else the request declares. A key that is
 * registered never rises to a token or a TPM: those keys are made inside, and this one was
 * elsewhere; it keeps its level where nothing is declared. It stays attested as long as it stays in the
 * TPM; another key has proved nothing. */
MQTT_NODISCARD int enrolment_level_decide(struct registry *registry, const struct csr *csr,
                                          const char *name, enum key_protection said,
                                          struct enrolment_level *out, struct pki_fault *fault);

/* Writes down what the entry says of its key: protection and algorithm. Another protection moves
 * registry_policy_version(). */
MQTT_NODISCARD int enrolment_level_record(struct registry *registry,
                                          const struct registry_entry *entry,
                                          struct pki_fault *fault);
