/* SPDX-License-Identifier: Apache-2.0 */
/* The property blocks a client writes, and the checks that keep what the application
 * hands in from being something the server must hang up on. */
#pragma once

#include <tacit/client.h>

#include "codec/writer.h"

/* All properties of a message but its alias; the expiry, last, counts from `now_s` on. */
size_t tacit_message_property_bytes(const struct tacit_message *message);
void tacit_message_properties(struct mqtt_writer *w, const struct tacit_message *message,
                              uint32_t now_s);

/* The will's, delay included; none if there is no will. */
void tacit_will_properties(struct mqtt_writer *w, const struct tacit_config *config);

/* CONNECT's. `aliases_in` is announced if not 0. */
void tacit_connect_properties(struct mqtt_writer *w, const struct tacit_config *config,
                              uint16_t aliases_in);

/* SUBSCRIBE's, and the bytes they take at most. */
size_t tacit_subscribe_property_bytes(const struct tacit_subscription *subscription);
void tacit_subscribe_properties(struct mqtt_writer *w,
                                const struct tacit_subscription *subscription);

bool tacit_message_is_valid(const struct tacit_message *message);
bool tacit_subscription_is_valid(const struct tacit_subscription *subscription);
bool tacit_config_is_valid(const struct tacit_config *config);
