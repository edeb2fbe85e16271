/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT, MQTT 5.0 section 3.1; 3.1.1 section 3.1; MQTT 3.1 section 3.1. */
#pragma once

#include "codec/frame.h"
#include "codec/writer.h"

#include <stdbool.h>

struct mqtt_will {
    enum mqtt_qos qos;
    bool retain;
    struct mqtt_span topic;
    struct mqtt_span payload;
    struct mqtt_span properties; /* validated block, MQTT 5 */
    uint32_t delay_s;            /* 0 if absent */
    bool has_expiry;
    uint32_t expiry_s;
    bool payload_is_utf8; /* Payload Format Indicator 1 */
};

struct mqtt_connect {
    enum mqtt_version version;
    bool clean_start; /* clean session before MQTT 5 */
    uint16_t keep_alive_s;
    struct mqtt_span client_id;
    bool has_will;
    struct mqtt_will will;
    bool has_user_name;
    struct mqtt_span user_name;
    bool has_password;
    struct mqtt_span password;
    /* MQTT 5 properties; defaults of the standard where absent. */
    struct mqtt_span properties; /* validated block */
    uint32_t session_expiry_s;   /* 0; UINT32_MAX never expires */
    uint16_t receive_maximum;    /* 65535 */
    bool has_maximum_packet_size;
    uint32_t maximum_packet_size; /* bytes; UINT32_MAX if absent */
    uint16_t topic_alias_maximum; /* 0 */
    bool request_response;        /* false */
    bool request_problem;         /* true */
    bool has_authentication_method;
    struct mqtt_span authentication_method;
    struct mqtt_span authentication_data;
};

/* Decodes the body of a CONNECT. An unknown protocol name is
 * MQTT_ERR_PROTOCOL_NAME, an unknown level MQTT_ERR_PROTOCOL_VERSION with
 * out->version left at the level asked for as far as it is one we know (so that
 * the caller may answer in the peer's language); all else as status.def says.
 * For every other failure *out is untouched, except out->version, which tells the
 * version whenever name and level were readable.
 *
 * MQTT 3.1 is read as its text has it: the reserved flag and will bits without a
 * will are disregarded, and user name or password may be missing at the end in
 * spite of their flags. The length of a client identifier is not judged here, nor
 * is 3.1's bridge bit a level we know. */
MQTT_NODISCARD enum mqtt_status mqtt_connect_decode(struct mqtt_span body,
                                                    struct mqtt_connect *out);

/* For clients. `properties` and will.properties are written as they are, the
 * typed property fields are NOT: build the block with mqtt_property_write. */
void mqtt_connect_encode(struct mqtt_writer *w, const struct mqtt_connect *connect);
