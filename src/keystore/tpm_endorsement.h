/* SPDX-License-Identifier: Apache-2.0 */
/* The endorsement key of a TPM, by the templates of the TCG's EK Credential Profile, low range (L-1: RSA
 * 2048, L-2: P-256): made again, it is the same key for ever. Owner: one thread. */
#pragma once

#include "keystore/tpm_attest.h"
#include "keystore/tpm_link.h"

/* Which one: that which has a certificate in the TPM, RSA first; else P-256. Fills in the certificate.
 * True: RSA. */
bool tpm_endorsement_find(struct tpm_link *link, struct tpm_attest_identity *out);

/* Makes it; flush it. `out_public` may be NULL. -EIO. */
MQTT_NODISCARD int tpm_endorsement_open(struct tpm_link *link, bool is_rsa, ESYS_TR *out,
                                        TPM2B_PUBLIC *out_public, struct pki_fault *fault);

/* A session by which it may be used once, with the empty password of its hierarchy; flush it. -EIO. */
MQTT_NODISCARD int tpm_endorsement_permit(struct tpm_link *link, ESYS_TR *out,
                                          struct pki_fault *fault);
