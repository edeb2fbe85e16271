/* SPDX-License-Identifier: Apache-2.0 */
/* What a key can be sealed to on a machine without a TPM: a random secret of this user on this
 * machine, outside of every folder of devices, and the machine's id. Who has both and is this user,
 * or root, opens the seal; who has a copy of the device's folder does not.
 *
 * The secret is in $XDG_STATE_HOME/tacit-device/machine-secret; without that variable in
 * /var/lib/tacit-device for root, in ~/.local/state/tacit-device for others. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#define MACHINE_SECRET_BYTES   32
#define MACHINE_SECRET_ID_SIZE 65

/* -ENOENT: there is no home, and no $XDG_STATE_HOME. */
MQTT_NODISCARD int machine_secret_path(char out[PATH_MAX], struct pki_fault *fault);

/* -ENOENT: there is none; -EPERM: others can read it; -EBADMSG: it is not 32 bytes. The caller
 * wipes it. */
MQTT_NODISCARD int machine_secret_load(uint8_t out[MACHINE_SECRET_BYTES], struct pki_fault *fault);

/* The same, and makes one (0600 in a folder of 0700) if there is none. */
MQTT_NODISCARD int machine_secret_make(uint8_t out[MACHINE_SECRET_BYTES], struct pki_fault *fault);

/* The machine's id as text, "" if it has none. */
void machine_secret_id(char out[MACHINE_SECRET_ID_SIZE]);
