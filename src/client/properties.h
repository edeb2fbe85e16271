/* SPDX-License-Identifier: Apache-2.0 */
/* The property blocks a client writes, and the checks that keep what the application
 * hands in from being something the server must hang up on. */
#pragma once

#include <tacit/client.h>

#include "client/sink.h"
#include "codec/variant.h"

/* All properties of a message but its alias; the expiry, last, counts from `now_s` on. The second
 * is for any version that this build speaks. */
void tacit_message_properties(struct tacit_sink *sink, const struct tacit_message *message,
                              uint32_t now_s);

static inline void tacit_put_properties(struct tacit_sink *sink,
                                        const struct tacit_message *message, uint32_t now_s)
{
    if (MQTT_SPEAKS_5)
        tacit_message_properties(sink, message, now_s);
}

/* CONNECT's. `aliases_in` is announced if not 0. */
void tacit_connect_properties(struct tacit_sink *sink, const struct tacit_config *config,
                              uint16_t aliases_in);

void tacit_subscribe_properties(struct tacit_sink *sink,
                                const struct tacit_subscription *subscription);

/* A number that is written unless it is 0, in so many bytes: absent means 0 for each of ours. */
void tacit_put_property(struct tacit_sink *sink, uint8_t id, uint32_t number, unsigned bytes);

bool tacit_message_is_valid(const struct tacit_message *message);
bool tacit_subscription_is_valid(const struct tacit_subscription *subscription);
bool tacit_config_is_valid(const struct tacit_config *config);
