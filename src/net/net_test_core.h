/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a small core in place of the broker. It echoes every PUBLISH,
 * answers PINGREQ with a flood and DISCONNECT with last words and a close. Its functions
 * are found before those of the core library. */
#pragma once

#include "core/broker.h"

#define FLOOD_PACKETS 400u
#define FLOOD_BYTES   16003u /* of each: 3 of header, 16000 of body */

struct broker {
    struct outbox_pools pools;
    struct transport_port transport;
    unsigned shard;
    struct client *last; /* opened */
    unsigned opened;
    unsigned lost;
    unsigned ended;
    unsigned sent_calls;
    unsigned full_calls;
    bool refuses_newcomers;
    bool is_short; /* the end of every long packet has to wait until core_judge() */
    char peer[64]; /* common name of the last one's certificate */
    char address[64];
};

struct client {
    struct broker *broker;
    void *transport;
    struct outbox outbox;
    size_t wants;
    bool is_expelled;
    bool is_full;
    bool is_connected;
    bool is_waiting; /* from a SUBSCRIBE until core_judge() */
};

/* Appends to the client's outbox. */
void core_say(struct client *client, struct mqtt_span bytes);

/* The verdict is there: packets are handled again. */
void core_judge(struct client *client);

/* Closes the client from the core's side. */
void core_end(struct client *client);
