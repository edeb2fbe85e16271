/* SPDX-License-Identifier: Apache-2.0 */
/* Whether an object of a TPM can be got out of it, tried. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"

#include <stdbool.h>
#include <stdint.h>

struct tpm_trial {
    bool is_fixed;  /* fixedTPM and fixedParent: no TPM lets such an object go */
    bool was_given; /* asked to duplicate it for nobody in particular, the TPM did */
    unsigned code;  /* what it answered */
};

/* An object in the file of a key; at a handle; inside of a sealed key. Errors of tpm_link_open(),
 * tpm_link_load() and tpm_blob.h; -ENOENT: nothing is at that handle. */
MQTT_NODISCARD int tpm_trial_blob(struct mqtt_span der, struct tpm_trial *out,
                                  struct pki_fault *fault);
MQTT_NODISCARD int tpm_trial_handle(uint32_t handle, struct tpm_trial *out,
                                    struct pki_fault *fault);
MQTT_NODISCARD int tpm_trial_wrapped(struct mqtt_span wrapped, struct tpm_trial *out,
                                     struct pki_fault *fault);
