/* SPDX-License-Identifier: Apache-2.0 */
/* SubjectPublicKeyInfo (RFC 5280, 4.1) taken apart. Strict: DER only, every length in its
 * shortest form, nothing left over. Spans are borrowed from the input. Thread-safe. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

struct spki {
    struct mqtt_span algorithm;  /* the object identifier with tag and length */
    struct mqtt_span parameters; /* with tag and length; empty: there are none */
    struct mqtt_span key;        /* the bytes of the bit string, of which no bit is unused */
};

MQTT_NODISCARD bool spki_parse(struct mqtt_span der, struct spki *out);

/* Both big-endian, positive, without leading zeros. */
struct spki_rsa {
    struct mqtt_span modulus;
    struct mqtt_span exponent;
};

/* RSAPublicKey (RFC 8017, A.1.1). */
MQTT_NODISCARD bool spki_parse_rsa(struct mqtt_span key, struct spki_rsa *out);
