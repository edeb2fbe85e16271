/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/device_proof.h"

#include "pki/attestation.h"
#include "tools/identity_print.h"

#include <stdio.h>

void device_proof_print(struct registry *registry, const char *name)
{
    struct attestation proof;
    uint8_t expected[REGISTRY_KEY_BYTES];
    char hex[65];
    char since[IDENTITY_PRINT_TIME_SIZE];

    if (attestation_find(registry, name, &proof, NULL) == 0)
        (void)printf("attested     %s, by the TPM %s (%s)\n",
                     identity_print_time(proof.since_s, since),
                     identity_print_hash(proof.endorsement, hex), proof.by);
    if (attestation_expected(registry, name, expected, NULL) == 0)
        (void)printf("expected TPM %s\n", identity_print_hash(expected, hex));
}

static json_t *proof_json(struct registry *registry, const char *name)
{
    struct attestation proof;
    char hex[65];
    char since[IDENTITY_PRINT_TIME_SIZE];

    if (attestation_find(registry, name, &proof, NULL) < 0)
        return json_null();
    return json_pack("{s:s, s:s, s:s}", "by", proof.by, "endorsement_sha256",
                     identity_print_hash(proof.endorsement, hex), "since",
                     identity_print_time_rfc3339(proof.since_s, since));
}

static json_t *expected_json(struct registry *registry, const char *name)
{
    uint8_t expected[REGISTRY_KEY_BYTES];
    char hex[65];

    return attestation_expected(registry, name, expected, NULL) == 0
               ? json_string(identity_print_hash(expected, hex))
               : json_null();
}

bool device_proof_add_json(struct registry *registry, const char *name, json_t *document)
{
    return json_object_set_new(document, "attestation", proof_json(registry, name)) == 0
           && json_object_set_new(document, "expected_endorsement_sha256",
                                  expected_json(registry, name))
                  == 0;
}
