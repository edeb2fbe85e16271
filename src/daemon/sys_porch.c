/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sys_porch.h"

#include <inttypes.h>
#include <stdio.h>

#define PREFIX  "$SYS/broker/unproved/"
#define REFUSED PREFIX "refused/"

static void publish(struct broker *broker, const char *topic, uint64_t value, uint64_t now_ms)
{
    char text[24];

    snprintf(text, sizeof(text), "%" PRIu64, value);
    broker_publish_sys_text(broker, topic, text, now_ms);
}

void sys_porch_publish(struct broker *broker, const struct porch_figures *figures,
                       const uint64_t refused[NET_REFUSAL_COUNT], uint64_t now_ms)
{
    static const char *const topics[NET_REFUSAL_COUNT] = {
        [NET_REFUSED_HANDSHAKE] = REFUSED "handshake",
        [NET_REFUSED_PEER] = REFUSED "certificate",
        [NET_REFUSED_TIMEOUT] = REFUSED "timeout",
        [NET_REFUSED_SIZE] = REFUSED "size",
        [NET_REFUSED_CONNECTIONS] = REFUSED "connections",
        [NET_REFUSED_DESCRIPTORS] = REFUSED "descriptors",
        [NET_REFUSED_MEMORY] = REFUSED "memory",
        [NET_REFUSED_UNPROVED] = REFUSED "in-all",
        [NET_REFUSED_ADDRESS] = REFUSED "address",
        [NET_REFUSED_NETWORK] = REFUSED "network",
        [NET_REFUSED_BYTES] = REFUSED "bytes",
        [NET_REFUSED_SHORT] = REFUSED "memory-short",
        [NET_REFUSED_BARRED] = REFUSED "blocked",
    };

    publish(broker, PREFIX "connections", figures->guests, now_ms);
    publish(broker, PREFIX "connections/maximum", figures->most, now_ms);
    publish(broker, PREFIX "bytes", figures->bytes, now_ms);
    for (unsigned i = 0; i < NET_REFUSAL_COUNT; i++) {
        if (topics[i] != NULL)
            publish(broker, topics[i], refused[i], now_ms);
    }
}
