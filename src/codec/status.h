/* SPDX-License-Identifier: Apache-2.0 */
/* Why a packet was refused.
 *
 * One table, status.def, drives the enum, the text, the normative statement and
 * the MQTT 5 reason code sent to the peer, so that they cannot drift apart. Zero
 * is success; every other value is a reason to refuse the packet and, unless its
 * row says otherwise, to close the connection. */
#pragma once

#include <stdint.h>

enum mqtt_status {
#define STATUS(name, reason, statements, text) name,
#include "codec/status.def"
#undef STATUS
    MQTT_STATUS_COUNT,
};

const char *mqtt_status_text(enum mqtt_status status);
uint8_t mqtt_status_reason(enum mqtt_status status); /* enum mqtt_reason */

/* "MQTT-3.3.1-4" or several, space separated; "" for MQTT_OK. */
const char *mqtt_status_statements(enum mqtt_status status);
