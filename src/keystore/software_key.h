/* SPDX-License-Identifier: Apache-2.0 */
/* A P-256 key in this process's memory, behind the sign hook: what a sealed file becomes when it is
 * opened. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/key.h"

#include <stdint.h>
#include <tacit/key.h>

#define SOFTWARE_KEY_SCALAR_BYTES 32

/* Its two halves; the caller wipes the scalar. */
struct software_key_halves {
    uint8_t scalar[SOFTWARE_KEY_SCALAR_BYTES];
    uint8_t point[TACIT_KEY_POINT_BYTES];
};

/* A new one. -EIO. */
MQTT_NODISCARD int software_key_generate(struct software_key_halves *out, struct pki_fault *fault);

/* Those of a key that was loaded from a file. -ENOTSUP: it is not of P-256; -EIO. */
MQTT_NODISCARD int software_key_take_apart(const struct key *key, struct software_key_halves *out,
                                           struct pki_fault *fault);

/* A hook that signs with it. -EBADMSG: the halves do not make a key. */
MQTT_NODISCARD int software_key_hook(const struct software_key_halves *halves,
                                     struct tacit_key *out, struct pki_fault *fault);
