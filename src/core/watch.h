/* SPDX-License-Identifier: Apache-2.0 */
/* What is told of topics and filters that the watch port wants to hear of (ports.h). Private to the
 * core.
 *
 * Owner: the shard. Whether a topic is watched is remembered with its route: a message on another
 * one costs nothing. */
#pragma once

#include "base/attrs.h"
#include "codec/connect.h"
#include "codec/publish.h"

#include <stdbool.h>

struct broker;
struct client;

/* `topic` as in the broker. */
bool watch_has_topic(const struct broker *broker, struct mqtt_span topic);

/* A PUBLISH on a watched topic, which may be refused yet; `publish->topic` as in the broker. */
MQTT_COLD void watch_publish(const struct client *client, const struct mqtt_publish *publish);

/* The will of a client that has just come in, if its topic is watched. */
void watch_will(const struct client *client, const struct mqtt_connect *connect);

/* One filter of a SUBSCRIBE that was answered `reason`, if it is watched. `filter` as the client
 * wrote it. */
void watch_subscribe(const struct client *client, struct mqtt_span filter, uint8_t reason);
