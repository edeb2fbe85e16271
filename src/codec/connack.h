/* SPDX-License-Identifier: Apache-2.0 */
/* CONNACK, MQTT 5.0 section 3.2. */
#pragma once

#include "codec/frame.h"
#include "codec/writer.h"

#include <stdbool.h>

struct mqtt_connack {
    bool session_present;
    uint8_t reason;              /* MQTT 5: enum mqtt_reason; before: return code 0..5 */
    struct mqtt_span properties; /* validated block, MQTT 5 only */
    /* Decoded values, defaults of the standard where absent; not encoded. */
    uint32_t session_expiry_s;    /* 0; what CONNECT asked for is valid then */
    uint16_t receive_maximum;     /* 65535 */
    enum mqtt_qos maximum_qos;    /* 2 */
    bool retain_available;        /* true */
    uint32_t maximum_packet_size; /* UINT32_MAX */
    struct mqtt_span assigned_client_id;
    uint16_t topic_alias_maximum; /* 0 */
    struct mqtt_span reason_string;
    bool wildcard_available;                 /* true */
    bool subscription_identifiers_available; /* true */
    bool shared_available;                   /* true */
    uint32_t server_keep_alive_s;            /* 0..65535; UINT32_MAX if absent */
    struct mqtt_span response_information;
    struct mqtt_span server_reference;
    struct mqtt_span authentication_method;
    struct mqtt_span authentication_data;
};

MQTT_NODISCARD enum mqtt_status
mqtt_connack_decode(enum mqtt_version version, struct mqtt_span body, struct mqtt_connack *out);
void mqtt_connack_encode(struct mqtt_writer *w, enum mqtt_version version,
                         const struct mqtt_connack *connack);

/* The 3.1.1 return code (1..5) nearest to an MQTT 5 reason code >= 0x80; 0 for
 * success. 3.1.1 section 3.2.2.3. */
uint8_t mqtt_connack_return_code(uint8_t reason);
