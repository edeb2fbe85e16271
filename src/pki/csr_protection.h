/* SPDX-License-Identifier: Apache-2.0 */
/* How the key of a certificate request is kept, as whoever made the request declares it: an
 * attribute of PKCS#10, under the signature of the key itself.
 *
 *     2.25.246084338679404219054493111606139215286   (the UUID b9221ea2-bdd8-4da8-aca4-750d5484ddb6)
 *     SET OF UTF8String: one of "plain", "sealed", "pkcs11", "tpm"
 *
 * A declaration is worth what the device is worth: nothing here proves it. Pure functions. */
#pragma once

#include "base/attrs.h"
#include "pki/csr.h"
#include "pki/identity_extension.h"

/* To a request that is not signed yet; of "unknown" nothing is written. -EIO. */
MQTT_NODISCARD int csr_protection_add(struct X509_req_st *request, enum key_protection protection);

/* KEY_PROTECTION_UNKNOWN: it says nothing, or nothing that can be understood. */
enum key_protection csr_protection_of(const struct csr *csr);
