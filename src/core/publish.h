/* SPDX-License-Identifier: Apache-2.0 */
/* What is owed to a publisher: its acknowledgement, once it is known what became of the message on
 * this shard and on those that it had to go to. Private to the core. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "codec/publish.h"
#include "core/route.h"

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct client;
struct session;

/* A publication that cannot be answered yet: another shard has yet to say whether it could take it,
 * or one before it waits for that, as answers come in the order of the messages. */
struct publish_wait {
    struct bytes_node by_ticket; /* in the broker */
    struct list in_session;      /* session.waits */
    struct session *session;
    struct client *client; /* that is to be answered; NULL: it is gone */
    uint64_t ticket;
    struct routed routed; /* so far */
    char *text;           /* of the answer; NULL: none */
    uint16_t packet_id;
    enum mqtt_qos qos;
    bool has_answer; /* it is known, and waits for its turn */
    uint8_t reason;  /* of the answer */
};

/* Acknowledges, or says why not. */
void publish_settle(struct client *client, const struct mqtt_publish *publish,
                    const struct routed *routed);

/* PUBACK or PUBREC, as soon as what was written for it is on disk. `text` is copied; NULL: none. */
void publish_answer(struct client *client, const struct mqtt_publish *publish, uint8_t reason,
                    const char *text);

/* Keeps an answer for its turn. False: nobody is before it. */
bool publish_queue(struct client *client, const struct mqtt_publish *publish, uint8_t reason,
                   const char *text);

/* A QoS 2 message was not taken over: its identifier may carry another. */
void publish_disown(struct session *session, uint16_t packet_id);

/* The same as publish_settle(), when the other shards have replied. */
void publish_await(struct client *client, const struct mqtt_publish *publish,
                   const struct routed *routed, uint64_t ticket);
void publish_replied(struct broker *broker, uint64_t ticket, const struct routed *routed);

/* A message of QoS 2 came again: is it still waited for? Then it is answered by and by, and this
 * client is. */
bool publish_is_awaited(struct client *client, uint16_t packet_id);

/* The client goes, its session not yet: what was sent with QoS 1 comes again as another message,
 * with QoS 2 as the same one. Whether that was taken over is still to be known. */
void publish_leave(struct client *client);

/* The session goes: nobody waits any more. */
void publish_forget(struct session *session);
