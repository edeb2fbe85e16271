/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of MQTT that every packet shares: versions, packet types,
 * qualities of service, reason codes. MQTT 5.0 sections 2.1 and 2.4. */
#pragma once

#include <stdint.h>

/* Protocol level as CONNECT carries it. */
enum mqtt_version {
    MQTT_VERSION_NONE = 0,
    MQTT_VERSION_3_1 = 3,
    MQTT_VERSION_3_1_1 = 4,
    MQTT_VERSION_5 = 5,
};

enum mqtt_packet_type {
    MQTT_RESERVED = 0,
    MQTT_CONNECT = 1,
    MQTT_CONNACK,
    MQTT_PUBLISH,
    MQTT_PUBACK,
    MQTT_PUBREC,
    MQTT_PUBREL,
    MQTT_PUBCOMP,
    MQTT_SUBSCRIBE,
    MQTT_SUBACK,
    MQTT_UNSUBSCRIBE,
    MQTT_UNSUBACK,
    MQTT_PINGREQ,
    MQTT_PINGRESP,
    MQTT_DISCONNECT,
    MQTT_AUTH,
    MQTT_PACKET_TYPE_COUNT,
};

enum mqtt_qos {
    MQTT_QOS_0 = 0,
    MQTT_QOS_1 = 1,
    MQTT_QOS_2 = 2,
};

/* MQTT 5 reason codes, one row each in reason.def. Values 0..2 have several
 * names in the standard (success, granted QoS n, normal disconnection). */
enum mqtt_reason {
#define REASON(name, value, packets, text) name = value,
#include "codec/reason.def"
#undef REASON
};

/* The table's text, or "unknown reason code". Never NULL. */
const char *mqtt_reason_text(uint8_t reason);

/* May this reason code stand in a packet of that type? MQTT 5.0 table 2-6. */
int mqtt_reason_is_allowed(uint8_t reason, enum mqtt_packet_type type);

/* "PUBLISH" and so on; "reserved" for anything else. */
const char *mqtt_packet_type_name(enum mqtt_packet_type type);
