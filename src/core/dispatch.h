/* SPDX-License-Identifier: Apache-2.0 */
/* Which packet may arrive in which state, and what handles it. */
#pragma once

#include "base/attrs.h"
#include "codec/frame.h"

#include <stdint.h>

struct client;

/* MQTT_OK, or why the client is to be closed. */
MQTT_NODISCARD MQTT_HOT enum mqtt_status
dispatch_packet(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);

/* "awaits CONNECT" and so on, for the generated state table. */
const char *dispatch_state_name(unsigned state);

/* Does that state have a handler for that packet type? For the state table in docs. */
int dispatch_accepts(unsigned state, unsigned packet_type);

/* Handlers: one file each. */
typedef enum mqtt_status (*packet_handler)(struct client *client, const struct mqtt_frame *frame,
                                           uint64_t now_ms);

enum mqtt_status on_connect(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_connect_auth(struct client *client, const struct mqtt_frame *frame,
                                 uint64_t now_ms);
enum mqtt_status on_reauth(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_connect_abandoned(struct client *client, const struct mqtt_frame *frame,
                                      uint64_t now_ms);
enum mqtt_status on_publish(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_puback(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_pubrec(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_pubrel(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_pubcomp(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_subscribe(struct client *client, const struct mqtt_frame *frame,
                              uint64_t now_ms);
enum mqtt_status on_unsubscribe(struct client *client, const struct mqtt_frame *frame,
                                uint64_t now_ms);
enum mqtt_status on_pingreq(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_disconnect(struct client *client, const struct mqtt_frame *frame,
                               uint64_t now_ms);
enum mqtt_status on_held(struct client *client, const struct mqtt_frame *frame, uint64_t now_ms);
enum mqtt_status on_held_disconnect(struct client *client, const struct mqtt_frame *frame,
                                    uint64_t now_ms);
