/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/packet.h"

#include "base/attrs.h"

/* Bit n: may stand in packet type n. Absent codes are 0: allowed nowhere. */
static const uint16_t reason_packets[] = {
#define REASON(name, value, packets, text) [value] = (uint16_t)(packets),
#include "codec/reason.def"
#undef REASON
};

const char *mqtt_reason_text(uint8_t reason)
{
    switch (reason) {
#define REASON(name, value, packets, text) \
    case value:                            \
        return text;
#include "codec/reason.def"
#undef REASON
    default:
        return "unknown reason code";
    }
}

int mqtt_reason_is_allowed(uint8_t reason, enum mqtt_packet_type type)
{
    if (reason >= MQTT_ARRAY_LEN(reason_packets))
        return 0;
    return (reason_packets[reason] >> (unsigned)type & 1u) != 0;
}

const char *mqtt_packet_type_name(enum mqtt_packet_type type)
{
    static const char names[MQTT_PACKET_TYPE_COUNT][12] = {
        "reserved", "CONNECT",  "CONNACK",    "PUBLISH", "PUBACK",      "PUBREC",
        "PUBREL",   "PUBCOMP",  "SUBSCRIBE",  "SUBACK",  "UNSUBSCRIBE", "UNSUBACK",
        "PINGREQ",  "PINGRESP", "DISCONNECT", "AUTH",
    };
    return names[(unsigned)type < MQTT_PACKET_TYPE_COUNT ? type : MQTT_RESERVED];
}
