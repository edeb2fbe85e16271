/* SPDX-License-Identifier: Apache-2.0 */
/* HMAC-SHA-256 with a key of 32 bytes. Any thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdint.h>

#define HMAC_BYTES 32

/* `context` is not looked at: this is what ratchet/message.h wants to have. -EIO. */
MQTT_NODISCARD int hmac_sha256(void *context, const uint8_t key[HMAC_BYTES], struct mqtt_span data,
                               uint8_t out[HMAC_BYTES]);
