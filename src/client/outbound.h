/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves: packets are encoded into the send buffer and written together. */
#pragma once

#include "client/sink.h"
#include "client/state.h"

/* Bytes that can be encoded now. While a payload passes through they follow it. */
static inline uint32_t tacit_send_room(const struct tacit_client *client)
{
    return tacit_limits(client)->send_bytes - client->send.len;
}

/* A sink over what was encoded and that room. tacit_send_commit keeps what was written; false,
 * and nothing is kept, if it did not fit. */
void tacit_send_begin(const struct tacit_client *client, struct tacit_sink *out);
bool tacit_send_commit(struct tacit_client *client, const struct tacit_sink *sink);

/* False if CONNECT does not fit the send buffer. */
bool tacit_send_connect(struct tacit_client *client);

/* PUBACK, PUBREC, PUBREL and PUBCOMP, which need no more than TACIT_SEND_RESERVE bytes;
 * DISCONNECT, and PINGREQ, without `packet_id`. False if there is no room now. */
bool tacit_send_short(struct tacit_client *client, enum mqtt_packet_type type, uint16_t packet_id,
                      uint8_t reason);

/* The largest packet that answers another. */
#define TACIT_SEND_RESERVE 8u

/* Encodes subscriptions and messages that are due, as many as there is room and window for, until
 * one has to be given up: the event says which. */
void tacit_send_due(struct tacit_client *client);

/* A packet identifier that nothing under way has. */
uint16_t tacit_new_packet_id(struct tacit_client *client);

/* Until the message expires; UINT32_MAX: never. */
uint32_t tacit_seconds_left(const struct tacit_client *client, const struct tacit_record *record);

/* Is there anything encoded that has not been written? */
static inline bool tacit_has_unsent(const struct tacit_client *client)
{
    return client->send.len > 0 || tacit_streaming(client) != NULL;
}

/* Bytes that are written of the payload that passes through. */
static inline uint32_t tacit_streamed(const struct tacit_client *client)
{
    return client->send.passed > 0 ? (uint32_t)client->send.passed : 0;
}

/* Writes. TACIT_OK: all is gone; TACIT_AGAIN: the transport takes no more now, or the
 * application has what comes next. */
enum tacit_status tacit_flush(struct tacit_client *client);

/* Writes what stands before the payload that is under way in pieces, and of it this piece, as
 * one record. Returns bytes of the piece that were taken, or a negative status. */
int tacit_send_piece(struct tacit_client *client, struct tacit_bytes piece);

/* A message is done with: delivered with TACIT_OK, else rejected. */
void tacit_give_up(struct tacit_client *client, struct tacit_record *record,
                   enum tacit_status status, uint8_t reason);
