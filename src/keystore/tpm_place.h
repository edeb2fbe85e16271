/* SPDX-License-Identifier: Apache-2.0 */
/* Where a key of a TPM lies: at a persistent handle, or as an object that is loaded for the moment. Owner:
 * one thread. */
#pragma once

#include "keystore/tpm_link.h"

struct tpm_place {
    TPM2_HANDLE handle; /* 0: in the object */
    struct tpm_object object;
};

/* -ENOENT: nothing is at that handle; errors of tpm_link_load(). Close it with the same place. */
MQTT_NODISCARD int tpm_place_open(struct tpm_link *link, const struct tpm_place *place,
                                  ESYS_TR *out, struct pki_fault *fault);
void tpm_place_close(struct tpm_link *link, const struct tpm_place *place, ESYS_TR key);

/* What the TPM shows of it. -EIO; errors of tpm_place_open(). */
MQTT_NODISCARD int tpm_place_show(struct tpm_link *link, const struct tpm_place *place,
                                  TPM2B_PUBLIC *out, struct pki_fault *fault);

/* A key of P-256 that signs, made inside and for this TPM only, and is `more` besides. */
TPM2B_PUBLIC tpm_place_signer(TPMA_OBJECT more);
