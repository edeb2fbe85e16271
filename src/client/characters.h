/* SPDX-License-Identifier: Apache-2.0 */
/* What text may be, once for both directions: small, where the codec's is fast. */
#pragma once

#include "base/span.h"

/* UTF-8 without U+0000 [MQTT-1.5.4-1] [MQTT-1.5.4-2]; empty is text, too. */
bool tacit_is_text(const uint8_t *text, size_t len);

/* Text, not empty and without wildcards [MQTT-3.3.2-2] [MQTT-4.7.3-1]. */
bool tacit_is_topic(const uint8_t *text, size_t len);
