/* SPDX-License-Identifier: Apache-2.0 */
/* What client and broker say to each other, as rows of a trace. Each question is written with the
 * broker's answer, some milliseconds later. */
#pragma once

#include "bench/sense/fleet_message.h"
#include "bench/sense/fleet_sink.h"

#define FLEET_REFUSED 5 /* a CONNACK: not authorized */

/* Whose connection it is. */
struct fleet_speaker {
    struct fleet_sink *sink;
    const char *address; /* borrowed until all rows are written, as the identifier */
    const char *client_id;
    uint64_t stream;
    uint32_t origin;    /* orders rows of one moment, below 2^16 */
    uint32_t *sequence; /* of its rows, counted up */
    bool attack;        /* for the label */
};

/* The number of the origin's n-th connection, from 0 on: nobody else has it. */
uint64_t fleet_wire_stream(uint64_t connection, uint32_t origin);

void fleet_wire_connect(const struct fleet_speaker *speaker, int64_t at_us, unsigned keepalive_s,
                        int connack);
void fleet_wire_subscribe(const struct fleet_speaker *speaker, int64_t at_us, const char *filter,
                          bool granted);
void fleet_wire_publish(const struct fleet_speaker *speaker, int64_t at_us,
                        const struct fleet_message *message);
void fleet_wire_deliver(const struct fleet_speaker *speaker, int64_t at_us,
                        const struct fleet_message *message);
void fleet_wire_ping(const struct fleet_speaker *speaker, int64_t at_us);
void fleet_wire_disconnect(const struct fleet_speaker *speaker, int64_t at_us);
