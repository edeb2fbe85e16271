/* SPDX-License-Identifier: Apache-2.0 */
/* The set-up that bench/client-size measures: 256 bytes to receive, as many to send as the heads of
 * packets need, since payloads go from the queue to the transport (as whole packets in a build that
 * cannot do that); a queue for four messages of QoS 1 (topic 40 bytes, payload 20), four in flight each way, one subscription,
 * one automatic topic alias. */
#pragma once

#include <tacit/client.h>

#define REFERENCE_TOPIC_BYTES   40
#define REFERENCE_PAYLOAD_BYTES 20
#define REFERENCE_MESSAGES      4
#ifdef TACIT_NO_V5
#define REFERENCE_ALIASES 0 /* only MQTT 5 has any */
#else
#define REFERENCE_ALIASES 1
#endif

#ifdef TACIT_NO_LARGE_MESSAGES
#define REFERENCE_SEND_BYTES (REFERENCE_TOPIC_BYTES + REFERENCE_PAYLOAD_BYTES + 20)
#else
#define REFERENCE_SEND_BYTES (REFERENCE_TOPIC_BYTES + 20) /* what stands around the topic */
#endif

#define REFERENCE_CLIENT_ID "device-012345678"                         /* 16 bytes */
#define REFERENCE_FILTER    "plant/a/line/07/device/0001/+"            /* 29 bytes */
#define REFERENCE_TOPIC     "plant/a/line/07/device/0001/temperature1" /* 40 bytes */
#define REFERENCE_PAYLOAD   "21.5 C 2026-11-28 06"                     /* 20 bytes */

#define REFERENCE_LIMITS                                                                        \
    {                                                                                           \
        .receive_bytes = 256, .send_bytes = REFERENCE_SEND_BYTES,                               \
        .queue_bytes = REFERENCE_MESSAGES                                                       \
                       * TACIT_QUEUED_BYTES(REFERENCE_TOPIC_BYTES, 0, REFERENCE_PAYLOAD_BYTES), \
        .inbound_messages = REFERENCE_MESSAGES, .subscriptions = 1,                             \
        .aliases_out = REFERENCE_ALIASES, .alias_topic_bytes = REFERENCE_TOPIC_BYTES            \
    }

#define REFERENCE_ARENA_BYTES                                                                      \
    TACIT_ARENA_BYTES(                                                                             \
        256, REFERENCE_SEND_BYTES,                                                                 \
        REFERENCE_MESSAGES *TACIT_QUEUED_BYTES(REFERENCE_TOPIC_BYTES, 0, REFERENCE_PAYLOAD_BYTES), \
        REFERENCE_MESSAGES, 1, REFERENCE_ALIASES, REFERENCE_TOPIC_BYTES)
