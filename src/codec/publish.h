/* SPDX-License-Identifier: Apache-2.0 */
/* PUBLISH, MQTT 5.0 section 3.3. The one packet of the hot path. */
#pragma once

#include "codec/frame.h"
#include "codec/writer.h"

#include <stdbool.h>

struct mqtt_publish {
    enum mqtt_qos qos;
    bool retain;
    bool duplicate;
    uint16_t packet_id; /* 0 with QoS 0 */
    struct mqtt_span topic;
    struct mqtt_span properties; /* validated block, empty before MQTT 5 */
    struct mqtt_span payload;
    /* Values from the block. */
    bool has_topic_alias;
    uint16_t topic_alias; /* 1..65535 */
    bool has_expiry;
    uint32_t expiry_s;
    bool payload_is_utf8; /* Payload Format Indicator 1; not yet checked against the payload */
    bool has_subscription_identifier; /* at least one; walk the block for the values */
    struct mqtt_span response_topic;  /* empty if absent; a valid topic name */
};

/* From MQTT 5 an empty topic is accepted when a topic alias is present, and only
 * then. Statements: [MQTT-3.3.1-2] [MQTT-3.3.1-4] [MQTT-3.3.2-1] [MQTT-3.3.2-2]
 * [MQTT-3.3.2-8] [MQTT-3.3.2-14] [MQTT-4.7.3-1] and those of the properties. */
MQTT_NODISCARD MQTT_HOT enum mqtt_status mqtt_publish_decode(enum mqtt_version version,
                                                             uint8_t flags, struct mqtt_span body,
                                                             struct mqtt_publish *out);

/* Copies from a validated PUBLISH or will block what a server forwards unchanged
 * and in order (all but topic alias, message expiry, subscription identifiers and
 * will delay) to `out`, which has room for block.len bytes. Returns bytes
 * written. [MQTT-3.3.2-4] [MQTT-3.3.2-15] [MQTT-3.3.2-16] [MQTT-3.3.2-17]
 * [MQTT-3.3.2-18] [MQTT-3.3.2-20] */
size_t mqtt_publish_forwardable(struct mqtt_span block, uint8_t *out);

/* What goes out. The properties on the wire are `forward` as it is, then the
 * others that are present. Before MQTT 5 none is written. */
struct mqtt_publish_out {
    enum mqtt_qos qos;
    bool retain;
    bool duplicate;
    uint16_t packet_id;     /* with QoS > 0 */
    struct mqtt_span topic; /* empty when topic_alias stands for it */
    struct mqtt_span forward;
    struct mqtt_span payload;
    bool has_expiry;
    uint32_t expiry_s;
    uint16_t topic_alias;                     /* 0: none */
    const uint32_t *subscription_identifiers; /* borrowed; each 1..MQTT_VARINT_MAX */
    size_t subscription_identifier_count;
};

/* Length of the whole packet in bytes. */
MQTT_HOT size_t mqtt_publish_size(enum mqtt_version version,
                                  const struct mqtt_publish_out *publish);

/* Writes the whole packet to `out`, which has room for mqtt_publish_size bytes.
 * Returns the position after it. If `out_packet_id` is not NULL it receives the
 * place of the two-byte packet identifier (NULL with QoS 0). */
MQTT_HOT uint8_t *mqtt_publish_write(uint8_t *out, enum mqtt_version version,
                                     const struct mqtt_publish_out *publish,
                                     uint8_t **out_packet_id);
