/* SPDX-License-Identifier: Apache-2.0 */
/* Topic aliases of one connection, both ways. MQTT 5.0 section 3.3.2.3.4. They
 * live and die with it [MQTT-3.3.2-7]. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "codec/publish.h"
#include "codec/status.h"

struct client;

/* From the client: if the PUBLISH has an alias, remembers its topic or fills it in.
 * MQTT_OK, or why the connection is to be closed: alias above what we announced, or
 * one never set. Out of memory dooms the client. */
MQTT_NODISCARD enum mqtt_status alias_resolve(struct client *client, struct mqtt_publish *publish);

/* To the client: gives the topic an alias while there are free ones, replaces the
 * topic by its alias when it has one already. */
void alias_for_outgoing(struct client *client, struct mqtt_publish_out *out);

/* The packet was not sent after all: an alias it would have set is not set. */
void alias_forget_unsent(struct client *client, const struct mqtt_publish_out *out);

void alias_fini(struct client *client);
