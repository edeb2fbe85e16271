/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers of event files. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

/* A number without sign, up to `most`. false: something else, or more. */
MQTT_NODISCARD bool number_parse(struct mqtt_span text, uint32_t most, uint32_t *out);

/* Seconds with a fraction, into milliseconds. */
MQTT_NODISCARD bool number_parse_epoch(struct mqtt_span text, uint64_t *out_ms);

/* 2025-01-31T12:34:56.789Z, the fraction and the Z may be missing. */
MQTT_NODISCARD bool number_parse_date(struct mqtt_span text, uint64_t *out_ms);

/* A number as in sense/value.h that is written as hexadecimal digits of its characters. */
MQTT_NODISCARD bool number_parse_hex(struct mqtt_span hex, float *out);
