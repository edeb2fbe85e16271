/* SPDX-License-Identifier: Apache-2.0 */
/* What a correct broker would do, kept beside the real one: who is to receive which
 * message, in which order, how often. */
#pragma once

#include "codec/packet.h"

#include <stdbool.h>
#include <stdint.h>

#define MODEL_CLIENTS  10u
#define MODEL_TOPICS   6u
#define MODEL_EXPECTED 4096u

/* One message owed to one session. */
struct owed {
    uint32_t sequence;
    uint8_t topic;
    uint8_t qos;
    bool done;
};

struct model_client {
    bool has_session;
    bool is_connected;
    bool keeps_session;
    enum mqtt_version version;
    int qos_of[MODEL_TOPICS]; /* -1: not subscribed */
    struct owed owed[MODEL_EXPECTED];
    unsigned owed_count;
    bool awaits_release[65536]; /* the client's side of QoS 2 */
};

struct model {
    struct model_client clients[MODEL_CLIENTS];
    uint32_t sequence; /* of the last message */
    uint64_t delivered;
    uint64_t repeated; /* QoS 1 duplicates, which are allowed */
};

void model_init(struct model *model);

/* A session begins anew or ends: nothing is owed to it any more. */
void model_forget(struct model_client *client);

/* A message was published: notes to whom it is owed. Returns its sequence number. */
uint32_t model_publish(struct model *model, unsigned topic, enum mqtt_qos qos);

/* A message arrived. NULL, or what is wrong with it. `is_duplicate` is the DUP flag. */
const char *model_receive(struct model *model, struct model_client *client, uint32_t sequence,
                          unsigned topic, enum mqtt_qos qos, bool is_duplicate);

/* Messages with QoS 1 or 2 that are owed and have not arrived. */
unsigned model_missing(const struct model_client *client);
