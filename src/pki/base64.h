/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 (RFC 4648, section 4) as it comes in messages: with line breaks. Pure functions. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

/* With line breaks and blanks anywhere, or nowhere, and with or without padding; `out` has room for
 * text.len / 4 * 3 + 3 bytes. -EBADMSG: it is something else; what is in *out then means nothing. */
MQTT_NODISCARD int base64_decode(struct mqtt_span text, uint8_t *out, size_t *out_len);

/* In lines of 64 characters, NUL-terminated, from malloc. NULL out of memory. */
MQTT_NODISCARD char *base64_encode(struct mqtt_span bytes);
