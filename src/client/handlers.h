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

/* The server broke the protocol: says so, as far as its version knows how, and ends
 * the connection. Always true. */
bool tacit_refuse(struct tacit_client *client, uint8_t reason, struct tacit_event *out_event);
bool tacit_refuse_status(struct tacit_client *client, enum mqtt_status status,
                         struct tacit_event *out_event);

/* The parts of tacit_on_publish, for a packet that comes in pieces. Decodes a PUBLISH
 * of which the payload may be cut short; true if it was refused. */
bool tacit_open_publish(struct tacit_client *client, const struct mqtt_frame *frame,
                        struct mqtt_publish *publish, struct tacit_event *out_event);

/* The message has been handed out whole: answers it. The answer leaves with the next
 * call of tacit_poll, when the application has done with the message. */
void tacit_acknowledge(struct tacit_client *client, const struct mqtt_publish *publish);
void tacit_take_message(const struct mqtt_publish *publish, struct tacit_event *out_event);
bool tacit_inbound_is_known(const struct tacit_client *client, uint16_t packet_id);

static inline enum mqtt_version tacit_version(const struct tacit_client *client)
{
    return (enum mqtt_version)client->version;
}
