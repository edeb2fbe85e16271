/* SPDX-License-Identifier: Apache-2.0 */
/* What a server answers with: CONNACK, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK
 * and DISCONNECT have the same parts in different orders, and one decoder. */
#pragma once

#include "client/state.h"
#include "codec/frame.h"

struct tacit_answer {
    uint16_t packet_id;          /* 0 where there is none */
    uint8_t flags;               /* CONNACK only */
    uint8_t reason;              /* 0 when left out; before MQTT 5 as it stands there */
    struct mqtt_span properties; /* validated block */
};

/* Each of our packets names one filter, so SUBACK and UNSUBACK have one reason
 * [MQTT-3.8.4-6] [MQTT-3.11.3-1]. Texts among the properties go to *out_event. */
MQTT_NODISCARD enum mqtt_status tacit_answer_decode(const struct tacit_client *client,
                                                    const struct mqtt_frame *frame,
                                                    struct tacit_answer *out,
                                                    struct tacit_event *out_event);
