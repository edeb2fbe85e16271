/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes as lower-case hex digits. Thread-safe. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes 2 * len digits and a NUL to `out`. Returns `out`. */
const char *audit_hex_put(const uint8_t *bytes, size_t len, char *out);

/* Exactly 2 * len lower-case digits; else false, and `out` is undefined. */
MQTT_NODISCARD bool audit_hex_get(struct mqtt_span text, uint8_t *out, size_t len);
