/* SPDX-License-Identifier: Apache-2.0 */
/* One handler per packet type; inbound.c holds the table of what is legal when.
 *
 * A handler returns true when there is an event, and has filled it. It may use
 * TACIT_SEND_RESERVE bytes of the send buffer. */
#pragma once

#include "client/state.h"
#include "codec/frame.h"
#include "codec/publish.h"

typedef bool tacit_packet_handler(struct tacit_client *client, const struct mqtt_frame *frame,
                                  struct tacit_event *out_event);

tacit_packet_handler tacit_on_connack;
tacit_packet_handler tacit_on_disconnect;
tacit_packet_handler tacit_on_pingresp;
tacit_packet_handler tacit_on_publish;
tacit_packet_handler tacit_on_pubrel;
tacit_packet_handler tacit_on_answer; /* PUBACK, PUBREC, PUBCOMP */
tacit_packet_handler tacit_on_suback; /* and UNSUBACK */

/* What a build does not speak has no handler: a protocol error. */
#define TACIT_ON_PUBREL     (MQTT_SPEAKS_QOS_2 ? tacit_on_pubrel : NULL)
#define TACIT_ON_DISCONNECT (MQTT_SPEAKS_5 ? tacit_on_disconnect : NULL)

/* The server broke the protocol: says so, as far as its version knows how, and ends
 * the connection. Always true. */
bool tacit_refuse(struct tacit_client *client, uint8_t reason, struct tacit_event *out_event);
bool tacit_refuse_status(struct tacit_client *client, enum mqtt_status status,
                         struct tacit_event *out_event);

/* The parts of tacit_on_publish, for a packet that comes in pieces. Decodes a PUBLISH
 * of which the payload may be cut short; true if it was refused. */
bool tacit_open_publish(struct tacit_client *client, const struct mqtt_frame *frame,
                        struct mqtt_publish *publish, struct tacit_event *out_event);

/* Was this message of QoS 2 handed out already? */
bool tacit_is_duplicate(const struct tacit_client *client, const struct mqtt_publish *publish);

/* The server has lost the session, and with it the QoS 2 messages it had under way. False
 * if the store failed; they are remembered then. */
bool tacit_forget_inbound(struct tacit_client *client);

/* Hands out a message or a piece of it, whose offset and total *out_event has, and sees
 * to its acknowledgement with the last. One to be discarded is acknowledged only.
 * Returns true, or false if there is no event then. */
bool tacit_hand_out(struct tacit_client *client, const struct mqtt_publish *publish, bool is_last,
                    bool is_discarded, struct tacit_event *out_event);
