/* SPDX-License-Identifier: Apache-2.0 */
/* One handler per packet type; inbound.c says what is legal when.
 *
 * A handler gets a packet that was read. It may use TACIT_SEND_RESERVE bytes of the send buffer. */
#pragma once

#include "client/packet.h"

typedef void tacit_packet_handler(struct tacit_client *client, const struct tacit_packet *packet);

tacit_packet_handler tacit_on_connack;
tacit_packet_handler tacit_on_pubrel;
tacit_packet_handler tacit_on_answer; /* PUBACK, PUBREC, PUBCOMP */
tacit_packet_handler tacit_on_suback; /* and UNSUBACK */

/* The server broke the protocol: says so, as far as its version knows how, and ends
 * the connection. */
void tacit_refuse(struct tacit_client *client, uint8_t reason);

/* What a PUBLISH that was read asks of this connection: its alias, the window of QoS 2, and whether
 * it was handed out already, which client->discards says of all its pieces then. Returns 0 or the
 * reason code that refuses it. */
MQTT_NODISCARD uint8_t tacit_judge_publish(struct tacit_client *client,
                                           const struct tacit_packet *packet);

/* Acknowledges what client->owed says. TACIT_AGAIN: no room now; TACIT_STORE. */
enum tacit_status tacit_acknowledge_owed(struct tacit_client *client);

/* The server has lost the session, and with it the QoS 2 messages it had under way. False
 * if the store failed; they are remembered then. */
bool tacit_forget_inbound(struct tacit_client *client);

/* Hands out a message or a piece of it, which the event has, and sees to its acknowledgement with
 * the last. One to be discarded is acknowledged only. */
void tacit_hand_out(struct tacit_client *client, const struct tacit_packet *packet);
