/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the clients of broker_fuzz.c, made from a script. */
#pragma once

#include "broker_witness.h"
#include "codec/publish.h"
#include "script.h"

#define PACKET_BYTES 1024u

/* What the script says of a CONNECT; the actor learns what it promises. */
void packet_connect(struct mqtt_reader *script, struct actor *actor, struct mqtt_writer *w);

void packet_subscribe(struct mqtt_reader *script, enum mqtt_version version, struct mqtt_writer *w);

/* To "#" and "a/+", with QoS 2. */
void packet_subscribe_all(enum mqtt_version version, struct mqtt_writer *w);

void packet_unsubscribe(struct mqtt_reader *script, enum mqtt_version version,
                        struct mqtt_writer *w);
void packet_disconnect(struct mqtt_reader *script, enum mqtt_version version,
                       struct mqtt_writer *w);
void packet_auth(struct mqtt_reader *script, struct mqtt_writer *w);

/* A PUBLISH: its payload, which begins with the marker, lies in `payload`. */
#define PAYLOAD_BYTES 320u
struct mqtt_publish_out packet_publish(struct mqtt_reader *script, uint64_t marker,
                                       uint8_t payload[PAYLOAD_BYTES]);
