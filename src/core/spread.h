/* SPDX-License-Identifier: Apache-2.0 */
/* A message of QoS 0 on its way to its receivers. To many it is encoded once, and copied for whoever
 * gets the same bytes: the same version of MQTT, the same part of the topic, the same retain flag and
 * subscription identifiers, no topic aliases.
 *
 * Owner: the shard. The copy is good within one round of route_deliver(), which begins it. */
#pragma once

#include "base/attrs.h"
#include "core/delivery.h"

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct identifiers;
struct publication;
struct session;

#define SPREAD_LEAST 3u    /* receivers from which on it is worth keeping a copy */
#define SPREAD_BYTES 1024u /* longest packet of which one is kept */

/* Zero is none. */
struct spread {
    const struct publication *of;          /* what was encoded; NULL: nothing is kept */
    const struct identifiers *identifiers; /* of those it was encoded for */
    uint32_t len;
    uint8_t version;
    uint8_t space_len;
    bool retain;
    uint8_t bytes[SPREAD_BYTES];
};

/* `publication` goes to so many now. */
MQTT_HOT void spread_begin(struct broker *broker, struct publication *publication, uint32_t count);

/* To a session, with terms.qos 0. DELIVERY_DONE also when nobody is connected there;
 * DELIVERY_DROPPED when there is no room. */
MQTT_HOT enum delivery_result spread_deliver(struct session *session,
                                             const struct publication *publication,
                                             const struct terms *terms, uint64_t now_ms);
