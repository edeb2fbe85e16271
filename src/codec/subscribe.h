/* SPDX-License-Identifier: Apache-2.0 */
/* SUBSCRIBE and UNSUBSCRIBE, MQTT 5.0 sections 3.8 and 3.10. */
#pragma once

#include "codec/frame.h"
#include "codec/reader.h"
#include "codec/writer.h"

#include <stdbool.h>

struct mqtt_subscribe {
    uint16_t packet_id;
    struct mqtt_span properties;      /* validated block */
    uint32_t subscription_identifier; /* 0: none */
    struct mqtt_span entries;         /* validated: walk with mqtt_subscribe_next */
    unsigned count;                   /* entries, at least 1 */
};

/* One topic filter with its options. */
struct mqtt_subscription {
    struct mqtt_span filter; /* UTF-8; its topic syntax is NOT judged here: a bad filter is answered
                              * in the SUBACK with 0x8F, see mqtt_topic_filter_is_valid */
    enum mqtt_qos qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling; /* 0 send, 1 send if new, 2 do not send */
};

/* Checks the whole packet, all entries included: at least one [MQTT-3.8.3-2],
 * reserved bits [MQTT-3.8.3-5], QoS and retain handling in range, no local with
 * a shared subscription [MQTT-3.8.3-4]. */
MQTT_NODISCARD enum mqtt_status
mqtt_subscribe_decode(enum mqtt_version version, struct mqtt_span body, struct mqtt_subscribe *out);

/* Walks entries that mqtt_subscribe_decode accepted; `r` is a reader over them. */
bool mqtt_subscribe_next(enum mqtt_version version, struct mqtt_reader *r,
                         struct mqtt_subscription *out);

void mqtt_subscribe_encode(struct mqtt_writer *w, enum mqtt_version version, uint16_t packet_id,
                           struct mqtt_span properties, const struct mqtt_subscription *entries,
                           size_t count);

struct mqtt_unsubscribe {
    uint16_t packet_id;
    struct mqtt_span properties;
    struct mqtt_span entries; /* walk with mqtt_unsubscribe_next */
    unsigned count;           /* at least 1 [MQTT-3.10.3-2] */
};

MQTT_NODISCARD enum mqtt_status mqtt_unsubscribe_decode(enum mqtt_version version,
                                                        struct mqtt_span body,
                                                        struct mqtt_unsubscribe *out);
bool mqtt_unsubscribe_next(struct mqtt_reader *r, struct mqtt_span *out_filter);

void mqtt_unsubscribe_encode(struct mqtt_writer *w, enum mqtt_version version, uint16_t packet_id,
                             struct mqtt_span properties, const struct mqtt_span *filters,
                             size_t count);
