/* SPDX-License-Identifier: Apache-2.0 */
/* Output of a client that waits for the disk: from which byte of its outbox on, for which frame of
 * the journal. Private to the core.
 *
 * Owner: the shard. The order of output does not change: what comes behind something that waits,
 * waits too. A client has a gate only while something waits. */
#pragma once

#include "base/list.h"
#include "core/broker.h"

#include <stdbool.h>
#include <stdint.h>

#define GATE_MARKS 15u /* beyond it the last one waits for more than it has to */

struct gate_mark {
    uint64_t at; /* first byte that waits, counted since the gate was made */
    uint64_t frame;
};

struct gate {
    struct list link; /* in the journal */
    struct client *client;
    uint64_t base; /* bytes that were let through since the gate was made */
    uint32_t count;
    bool holds_connack; /* the first thing that waits is the CONNACK */
    struct gate_mark marks[GATE_MARKS];
};

/* Whatever is appended to the outbox from now on waits for `frame`. False: out of memory. */
MQTT_NODISCARD bool gate_close(struct client *client, uint64_t frame);

/* Lets through what waits for frames up to these; wakes the transports. */
void gate_open(struct broker *broker);

/* The client is closing: what waits is never sent. */
void gate_drop(struct client *client);
