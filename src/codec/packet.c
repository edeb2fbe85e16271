/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/packet.h"

#include "base/attrs.h"

/* The codes, and for each in which packets it may stand: bit n for type n. Most of
 * the 256 values are no code, so that two short lists are smaller than a table. */
static const uint8_t reason_values[] = {
#define REASON(name, value, packets, text) value,
#include "codec/reason.def"
#undef REASON
};

static const uint16_t reason_packets[] = {
#define REASON(name, value, packets, text) (uint16_t)(packets),
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
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(reason_values); i++)
        if (reason_values[i] == reason)
            return (reason_packets[i] >> (unsigned)type & 1u) != 0;
    return 0;
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
