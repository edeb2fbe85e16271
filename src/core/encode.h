/* SPDX-License-Identifier: Apache-2.0 */
/* Packets into a client's outbox.
 *
 * Owner: the shard. Out of memory dooms the client. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "codec/connack.h"
#include "codec/packet.h"
#include "codec/publish.h"
#include "codec/writer.h"

#include <stdbool.h>
#include <stdint.h>

struct client;
struct identifiers;

enum encoded {
    ENCODED = 0,
    ENCODED_TOO_LARGE, /* above the client's Maximum Packet Size: not sent */
    ENCODED_NOT,       /* out of memory: the client is doomed */
};

/* One PUBLISH for one client. Alias, remaining lifetime and identifiers are put into `packet` where it
 * is encoded, and nothing is copied from one struct to another: a span that was just written as two
 * words is not read as one of sixteen bytes without waiting for both. */
struct wire {
    struct mqtt_publish_out packet;
    uint64_t expires_ms;
    const struct identifiers *identifiers; /* borrowed; NULL: none */
    bool is_echo;                          /* the client has published it itself */
};

/* Completes wire->packet. */
MQTT_HOT enum encoded encode_publish(struct client *client, struct wire *wire, uint64_t now_ms);

/* Nothing, as the next one, for who was expelled: the end is all that they are told.
 * PUBACK, PUBREC, PUBREL, PUBCOMP. `text` becomes the Reason String where the client
 * wants and takes one; NULL: none. */
MQTT_HOT void encode_ack(struct client *client, enum mqtt_packet_type type, uint16_t packet_id,
                         uint8_t reason, const char *text);

/* SUBACK or UNSUBACK. */
void encode_suback(struct client *client, enum mqtt_packet_type type, uint16_t packet_id,
                   struct mqtt_span reasons, const char *text);

/* `block` holds the properties already encoded; the Reason String is added and
 * left out again if the packet became too large [MQTT-3.2.2-19]. One that is too large all the
 * same dooms the client. */
void encode_connack(struct client *client, const struct mqtt_connack *connack, const char *text);

void encode_disconnect(struct client *client, uint8_t reason, const char *text,
                       const char *server_reference);

void encode_auth(struct client *client, uint8_t reason, struct mqtt_span method,
                 struct mqtt_span data);

void encode_pingresp(struct client *client);
