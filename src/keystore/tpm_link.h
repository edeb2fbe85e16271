/* SPDX-License-Identifier: Apache-2.0 */
/* A conversation with the TPM, as short as one operation: nothing of ours stays in it, and it is
 * nobody's alone while a connection lasts. No resource manager is needed: what a process that crashed
 * has left behind is flushed at the beginning, unless there is one, which does that.
 *
 * Which TPM: $TACIT_TPM_TCTI as tpm2-tss writes it ("device:/dev/tpmrm0", "swtpm:host=…,port=…"),
 * else /dev/tpmrm0, else /dev/tpm0. Owner: one thread. */
#pragma once

#include "keystore/tpm_library.h"

#include <stdbool.h>
#include <stdint.h>

struct tpm_link {
    struct tpm_library library;
    TSS2_TCTI_CONTEXT *tcti;
    ESYS_CONTEXT *esys;
};

/* An object as it lies outside of the TPM: of use to this very TPM only. */
struct tpm_object {
    TPM2B_PUBLIC public;
    TPM2B_PRIVATE private;
};

/* Is there a TPM for us? Does not talk to it. */
bool tpm_link_is_there(void);

/* -ENODEV: there is none, or nothing to talk to it with; -EIO: it does not answer. */
MQTT_NODISCARD int tpm_link_open(struct tpm_link *out, struct pki_fault *fault);
void tpm_link_close(struct tpm_link *link);

/* Makes an object under the storage key of the owner. `sensitive` and `template` as Esys_Create()
 * has them. -EIO. */
MQTT_NODISCARD int tpm_link_create(struct tpm_link *link, const TPM2B_SENSITIVE_CREATE *sensitive,
                                   const TPM2B_PUBLIC *template, struct tpm_object *out,
                                   struct pki_fault *fault);

/* Loads it; flush it. -EKEYREJECTED: it is another TPM's. */
MQTT_NODISCARD int tpm_link_load(struct tpm_link *link, const struct tpm_object *object,
                                 ESYS_TR *out, struct pki_fault *fault);
void tpm_link_flush(struct tpm_link *link, ESYS_TR handle);

/* "what (TPM code 0x…)". */
MQTT_NODISCARD int tpm_link_fail(struct pki_fault *fault, int error, TSS2_RC code,
                                 const char *what);
