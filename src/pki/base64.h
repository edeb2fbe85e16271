/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648, strict: one text for the same bytes, nothing else is understood. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>

enum base64_alphabet {
    BASE64_STANDARD, /* with padding */
    BASE64_URL,      /* without */
};

/* Bytes of the text of `len` bytes, with its NUL, in the longer of the two forms. */
#define BASE64_SIZE(len) ((((len) + 2) / 3) * 4 + 1)

/* Writes the text with its NUL to `out` of BASE64_SIZE(bytes.len); returns its length. */
size_t base64_encode(enum base64_alphabet alphabet, struct mqtt_span bytes, char *out);

/* -EBADMSG: not such a text, or it stands for more than `size` bytes; `out` may be written to
 * then. */
MQTT_NODISCARD int base64_decode(enum base64_alphabet alphabet, struct mqtt_span text, uint8_t *out,
                                 size_t size, size_t *out_len);
