/* SPDX-License-Identifier: Apache-2.0 */
/* A key in a TPM is proved to be there, to the server that has just given its certificate
 * (docs/attestation.md). */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "tools/enroll_exchange.h"
#include "tools/enroll_files.h"

/* Lies the key in a TPM, and does its certificate not say that this was proved? */
bool enroll_attest_is_wanted(const struct enroll_files *files);

/* Has the TPM prove it, with the certificate that is there. 0: the broker believes it from now on, and
 * says so in the next certificate. Negative errno with the reason in *fault: the key works, and stays
 * declared. */
MQTT_NODISCARD int enroll_attest(const struct enroll_files *files, const struct enroll_call *call,
                                 struct pki_fault *fault);
