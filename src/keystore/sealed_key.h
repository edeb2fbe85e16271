/* SPDX-License-Identifier: Apache-2.0 */
/* A P-256 key in a file that is of use on one machine only: AES-256-GCM under a key that the TPM
 * opens, or, without a TPM, that comes from the machine's secret and id and the user. The private
 * number is never on the disk in clear. docs/device-keys.md says what that protects from, and what
 * not. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "keystore/sealed_format.h"
#include "keystore/software_key.h"

#include <stdbool.h>

/* Seals a key: by the TPM if `by_tpm`. To `out` of SEALED_FORMAT_MAX_BYTES bytes. Errors of
 * machine_secret.h and tpm_key.h. */
MQTT_NODISCARD int sealed_key_close(const struct software_key_halves *halves, bool by_tpm,
                                    uint8_t *out, size_t *out_len, struct pki_fault *fault);

/* What a thief of files can try who has not the TPM. */
enum sealed_key_loot {
    SEALED_KEY_LOOT_FILE, /* the sealed file alone, on a machine of his own */
    SEALED_KEY_LOOT_DISK, /* this machine's secret and its id as well */
};

/* Tries it. 0: the key came out, and is wiped again; -EKEYREJECTED: it did not; -EBADMSG; -ENOTSUP. */
MQTT_NODISCARD int sealed_key_pick(struct mqtt_span sealed, enum sealed_key_loot loot);

/* -EKEYREJECTED: it was sealed on another machine or by another user, or has been changed; -EBADMSG;
 * -ENOTSUP: of a version that is not known; errors of machine_secret.h and tpm_key.h. The caller wipes
 * what comes out. */
MQTT_NODISCARD int sealed_key_open(struct mqtt_span sealed, struct software_key_halves *out,
                                   struct pki_fault *fault);
