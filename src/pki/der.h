/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in DER that somebody owns. Zero is none. Thread: any. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct der {
    uint8_t *bytes; /* from malloc */
    size_t len;
};

void der_fini(struct der *der);
struct mqtt_span der_span(const struct der *der); /* borrowed */

/* What a function of OpenSSL made, which is given back to it; `len` as it said. -ENOMEM: it made
 * nothing, or there is no memory. */
MQTT_NODISCARD int der_take(uint8_t *made, int len, struct der *out);
