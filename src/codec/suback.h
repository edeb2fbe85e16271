/* SPDX-License-Identifier: Apache-2.0 */
/* SUBACK and UNSUBACK, MQTT 5.0 sections 3.9 and 3.11. */
#pragma once

#include "codec/frame.h"
#include "codec/writer.h"

struct mqtt_suback {
    uint16_t packet_id;
    struct mqtt_span properties;    /* validated block */
    struct mqtt_span reasons;       /* one byte per filter; empty in a 3.1.1 UNSUBACK */
    struct mqtt_span reason_string; /* from the block; not encoded */
};

/* `type` is MQTT_SUBACK or MQTT_UNSUBACK. */
MQTT_NODISCARD enum mqtt_status mqtt_suback_decode(enum mqtt_version version,
                                                   enum mqtt_packet_type type,
                                                   struct mqtt_span body, struct mqtt_suback *out);

/* Before MQTT 5 failures (>= 0x80) are written as 0x80 and an UNSUBACK without
 * reasons. [MQTT-3.9.3-2] */
void mqtt_suback_encode(struct mqtt_writer *w, enum mqtt_version version,
                        enum mqtt_packet_type type, const struct mqtt_suback *suback);
