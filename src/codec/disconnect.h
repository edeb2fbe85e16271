/* SPDX-License-Identifier: Apache-2.0 */
/* DISCONNECT and AUTH, MQTT 5.0 sections 3.14 and 3.15, and the packets without
 * a body: PINGREQ and PINGRESP. */
#pragma once

#include "codec/frame.h"
#include "codec/writer.h"

#include <stdbool.h>

struct mqtt_disconnect {
    uint8_t reason;
    struct mqtt_span properties; /* validated block */
    /* Decoded values; not encoded. */
    bool has_session_expiry;
    uint32_t session_expiry_s;
    struct mqtt_span reason_string;
    struct mqtt_span server_reference;
};

/* `from_server`: the sender was a server (reasons and properties differ:
 * a client may not name a server reference, a server no session expiry
 * [MQTT-3.14.2-1] [MQTT-3.14.2-2]). */
MQTT_NODISCARD enum mqtt_status mqtt_disconnect_decode(enum mqtt_version version, bool from_server,
                                                       struct mqtt_span body,
                                                       struct mqtt_disconnect *out);
void mqtt_disconnect_encode(struct mqtt_writer *w, enum mqtt_version version,
                            const struct mqtt_disconnect *disconnect);

struct mqtt_auth {
    uint8_t reason; /* 0x00, 0x18 or 0x19 */
    struct mqtt_span properties;
    struct mqtt_span method; /* from the block; mandatory unless the body is empty */
    struct mqtt_span data;
    struct mqtt_span reason_string;
};

MQTT_NODISCARD enum mqtt_status mqtt_auth_decode(struct mqtt_span body, struct mqtt_auth *out);
void mqtt_auth_encode(struct mqtt_writer *w, const struct mqtt_auth *auth);

/* PINGREQ and PINGRESP: `body` must be empty. */
MQTT_NODISCARD enum mqtt_status mqtt_ping_decode(struct mqtt_span body);
void mqtt_ping_encode(struct mqtt_writer *w, enum mqtt_packet_type type);
