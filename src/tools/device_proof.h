/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit device show` says of the TPM of an identity: which one has proved to have its key, and
 * which one the operator has named. */
#pragma once

#include "pki/registry.h"

#include <jansson.h>

/* Lines, or none. */
void device_proof_print(struct registry *registry, const char *name);

/* {"by", "endorsement_sha256", "since"}, as "attestation", and "expected_endorsement_sha256", each null
 * where there is none, into `document`. False: no memory. */
bool device_proof_add_json(struct registry *registry, const char *name, json_t *document);
