/* SPDX-License-Identifier: Apache-2.0 */
/* Base64 of RFC 4648. Strict: one text for the same bytes, nothing else is understood. The _lines
 * functions are for what comes in messages and files, broken into lines. Pure functions. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

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

/* The standard alphabet with line breaks and blanks anywhere, or nowhere, and with or without
 * padding; `out` has room for text.len / 4 * 3 + 3 bytes. -EBADMSG: it is something else; what is
 * in *out then means nothing. */
MQTT_NODISCARD int base64_decode_lines(struct mqtt_span text, uint8_t *out, size_t *out_len);

/* In lines of 64 characters, NUL-terminated, from malloc. NULL out of memory. */
MQTT_NODISCARD char *base64_encode_lines(struct mqtt_span bytes);
