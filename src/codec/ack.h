/* SPDX-License-Identifier: Apache-2.0 */
/* PUBACK, PUBREC, PUBREL and PUBCOMP: the same shape, MQTT 5.0 sections 3.4 to 3.7. */
#pragma once

#include "codec/frame.h"
#include "codec/writer.h"

struct mqtt_ack {
    uint16_t packet_id;             /* never 0 */
    uint8_t reason;                 /* 0 before MQTT 5 and when left out */
    struct mqtt_span properties;    /* validated block */
    struct mqtt_span reason_string; /* from the block; not encoded */
};

/* `type` is one of the four. */
MQTT_NODISCARD enum mqtt_status mqtt_ack_decode(enum mqtt_version version,
                                                enum mqtt_packet_type type, struct mqtt_span body,
                                                struct mqtt_ack *out);

/* Uses the shortest form: four bytes when reason is 0 and there are no properties. */
void mqtt_ack_encode(struct mqtt_writer *w, enum mqtt_version version, enum mqtt_packet_type type,
                     const struct mqtt_ack *ack);
