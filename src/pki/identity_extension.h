/* SPDX-License-Identifier: Apache-2.0 */
/* What a device's certificate says besides its name: role, tenant, site, and how well its key is
 * kept, in a non-critical X.509 extension for verifiers that have no registry. tacitd itself
 * believes its registry. The ASN.1 module is in docs/identity.md. Pure functions. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Under the arc for UUIDs (ITU-T X.667): 5bb0b113-74c2-484d-9463-1b2a341e9be8. */
#define IDENTITY_EXTENSION_OID       "2.25.121877183391499542403315008910709922792"
#define IDENTITY_EXTENSION_MAX_BYTES 448 /* of the longest encoding */

/* From the worst: who knows nothing must assume the worst. */
enum key_protection {
    KEY_PROTECTION_UNKNOWN = 0,
    KEY_PROTECTION_PLAIN,  /* a file that its owner can read */
    KEY_PROTECTION_SEALED, /* a file under a passphrase, or sealed by the machine */
    KEY_PROTECTION_PKCS11, /* a token or a module that gives no key out */
    KEY_PROTECTION_TPM,
    KEY_PROTECTION_COUNT,
};

/* Empty tenant and site: none. */
struct identity_extension {
    char role[REGISTRY_TEXT_SIZE];
    char tenant[REGISTRY_TEXT_SIZE];
    char site[REGISTRY_TEXT_SIZE];
    enum key_protection protection;
    bool is_attested; /* proved by the device's hardware rather than claimed */
};

/* Writes DER to `out` of IDENTITY_EXTENSION_MAX_BYTES bytes. -EINVAL: a name is not as
 * registry_name_is_valid() has it, or there is no such protection. */
MQTT_NODISCARD int identity_extension_encode(const struct identity_extension *extension,
                                             uint8_t *out, size_t *out_len);

/* Accepts exactly what identity_extension_encode() writes; -EBADMSG for everything else. */
MQTT_NODISCARD int identity_extension_decode(struct mqtt_span der, struct identity_extension *out);

/* "unknown", "plain", "sealed", "pkcs11", "tpm". */
const char *identity_extension_protection_text(enum key_protection protection);
MQTT_NODISCARD int identity_extension_protection_parse(const char *text, enum key_protection *out);

/* The same of a word that the registry has; what is no such word stands for the worst. */
enum key_protection identity_extension_protection_of(const char *text);
