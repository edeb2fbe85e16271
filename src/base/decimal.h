/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers as text where snprintf() would take longer than what they are a part of. */
#pragma once

#include "base/attrs.h"

#include <stdint.h>

#define DECIMAL_DIGITS_MAX 20u /* of a 64-bit number */

/* Writes the digits to `at`, where there is room for them, without an end. Returns the place behind. */
MQTT_NODISCARD char *decimal_put(char *at, uint64_t number);
