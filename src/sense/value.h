/* SPDX-License-Identifier: Apache-2.0 */
/* A payload that is a number and nothing else: "21.5", "-3". Others, also numbers in JSON and what is
 * sealed, are none. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>

#define SENSE_VALUE_BYTES 32u /* longest that is looked at */

/* Whether it is worth a try: no other payload is a number. */
static inline bool sense_value_may_be(struct mqtt_span payload)
{
    return payload.len - 1 < SENSE_VALUE_BYTES
           && (payload.data[0] == '-' || (unsigned)payload.data[0] - '0' < 10);
}

/* Decimal, without exponent, end to end. False: it is no number; *out is untouched. */
MQTT_NODISCARD bool sense_value_take(struct mqtt_span payload, float *out);
