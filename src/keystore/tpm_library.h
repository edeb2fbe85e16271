/* SPDX-License-Identifier: Apache-2.0 */
/* The TPM software stack (ESAPI of tpm2-tss), loaded when a key lies in a TPM: a machine without
 * one needs none of its libraries. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

#include <tss2/tss2_esys.h>
#include <tss2/tss2_mu.h>
#include <tss2/tss2_tctildr.h>

/* The functions under their own names. */
struct tpm_library {
#define TPM_FUNCTION(library, function) __typeof__(&(function)) function;
#include "keystore/tpm_library.def"
#undef TPM_FUNCTION
};

/* -ENODEV: a library is not installed, or is not what it should be. What was loaded stays loaded
 * until the process ends. */
MQTT_NODISCARD int tpm_library_open(struct tpm_library *out, struct pki_fault *fault);
