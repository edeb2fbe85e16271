/* SPDX-License-Identifier: Apache-2.0 */
/* A set of packet identifiers, small while it is small: open addressing with
 * linear probing. Identifiers in a row stand each in its own slot, and go without a look at the others.
 * Zero is empty and owns nothing. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>
#include <stdint.h>

/* In one block, so that a session that takes over nothing has a pointer. */
struct packet_table {
    uint32_t mask; /* slots - 1 */
    uint16_t count;
    uint16_t displaced; /* of them, those whose slot had another in it */
    uint16_t slots[];   /* 0 is a free slot, as 0 is no packet identifier */
};

struct packet_ids {
    struct packet_table *table; /* NULL: nothing is in it */
};

uint16_t packet_ids_count(const struct packet_ids *ids);
bool packet_ids_has(const struct packet_ids *ids, uint16_t id);

/* `id` is not 0 and not in the set. -ENOMEM. */
MQTT_NODISCARD int packet_ids_add(struct packet_ids *ids, uint16_t id);

/* Was it there? */
bool packet_ids_remove(struct packet_ids *ids, uint16_t id);

void packet_ids_clear(struct packet_ids *ids);

/* Each member once, in any order. */
void packet_ids_each(const struct packet_ids *ids, void (*visit)(void *context, uint16_t id),
                     void *context);
