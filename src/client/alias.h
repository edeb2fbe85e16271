/* SPDX-License-Identifier: Apache-2.0 */
/* Topic aliases of both directions of one connection, MQTT 5.0 section 3.3.2.3.4.
 *
 * Each has a slot behind the send buffer, those of the server first; a slot holds topics up to
 * limits.alias_topic_bytes. */
#pragma once

#include <tacit/transport.h>

#include <stdbool.h>

struct tacit_client;

/* Bytes of slots for that many. */
size_t tacit_alias_bytes(unsigned capacity, uint16_t slot_bytes);

/* A new connection: no alias is set, and no more are used than there are slots. */
void tacit_alias_reset(struct tacit_client *client);

/* Outgoing. The alias that stands for a topic, which is not empty, or 0. */
uint16_t tacit_alias_find(const struct tacit_client *client, const uint8_t *topic, size_t len);

/* Outgoing. Gives a topic an alias, that of the topic which has one for longest if none
 * is free; 0 if the topic is too long or aliases are off. */
uint16_t tacit_alias_assign(struct tacit_client *client, const uint8_t *topic, size_t len);

/* Incoming, `alias` is not 0. Remembers *topic, or, if that is empty, lets it be what is remembered,
 * borrowed. False if `alias` is beyond the maximum or stands for nothing. A topic too long for a slot
 * is remembered as unknown. */
bool tacit_alias_resolve(struct tacit_client *client, uint16_t alias, struct tacit_bytes *topic);
