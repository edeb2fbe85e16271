/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate for the new key of an identity that is registered already: the way back from a
 * revocation, and for a device that lost its key. Kind, role, tenant and site stay. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/registry_life.h"

#include <stdint.h>

struct rekey {
    const char *name;
    const char *protection; /* of the new key, as in registry_entry; NULL: unknown */
    unsigned days;          /* 0: CA_DEVICE_DAYS */
    int64_t now_s;
};

/* Signs and registers; errors as registry_rekey(). The old key and its certificates are good no
 * more from then on. */
MQTT_NODISCARD int rekey_sign(const struct ca *ca, struct registry *registry, const struct csr *csr,
                              const struct rekey *request, struct certificate **out,
                              struct pki_fault *fault);
