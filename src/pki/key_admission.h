/* SPDX-License-Identifier: Apache-2.0 */
/* May a key have a certificate? One place for all that speaks against it (promise I2).
 * Owner: as the registry. */
#pragma once

#include "base/attrs.h"
#include "pki/csr.h"
#include "pki/fault.h"
#include "pki/registry.h"

/* Is it a key that somebody may have at all? A request that was parsed has been looked at
 * thoroughly, one for a key that was just loaded has not. -EKEYREJECTED: it is weak or blocked. */
MQTT_NODISCARD int key_admission_check(struct registry *registry, const struct csr *csr,
                                       struct pki_fault *fault);

/* And may `name` have it? A key belongs to one identity for ever, and a revoked one to nobody.
 * -ENOTUNIQ: it is or was another's; -EKEYREVOKED: a certificate of it was revoked. */
MQTT_NODISCARD int key_admission_check_owner(struct registry *registry, const uint8_t *key_sha256,
                                             const char *name, struct pki_fault *fault);
