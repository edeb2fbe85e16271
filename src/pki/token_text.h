/* SPDX-License-Identifier: Apache-2.0 */
/* A one-time token as people type it:
 *
 *     7D3K-Q0ZM-4T9A-...      seven groups of four characters
 *
 * 26 of the 28 characters carry 128 random bits, five each, the last two a checksum: one wrong
 * character, or two that changed places, is noticed before anybody is asked. The alphabet is
 * 0-9 A-Z without I, L, O and U; lower case is as good, o is read as 0, i and l as 1, and
 * hyphens and blanks may be anywhere or nowhere.
 *
 * Pure functions but for the random number. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdint.h>

#define TOKEN_TEXT_SIZE  35 /* 28 characters, 6 hyphens and NUL */
#define TOKEN_HASH_BYTES 32 /* SHA-256 of the 28 characters */

/* A new one, to `out` of TOKEN_TEXT_SIZE bytes. -EIO: the kernel gives no random numbers. */
MQTT_NODISCARD int token_text_new(char *out);

/* What the registry keeps of it. -EINVAL: mistyped, or no token at all; *out is untouched. */
MQTT_NODISCARD int token_text_hash(struct mqtt_span text, uint8_t out[TOKEN_HASH_BYTES]);
