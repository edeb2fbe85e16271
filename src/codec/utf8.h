/* SPDX-License-Identifier: Apache-2.0 */
/* UTF-8 as MQTT defines it: well-formed by RFC 3629, without surrogates
 * [MQTT-1.5.4-1] and without U+0000 [MQTT-1.5.4-2]. U+FEFF is kept as it is
 * [MQTT-1.5.4-3]. Control characters and non-characters, which the standard
 * leaves to the receiver, are accepted. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

bool mqtt_utf8_is_valid(struct mqtt_span text);
