/* SPDX-License-Identifier: Apache-2.0 */
#include "client/alias.h"

#include <string.h>

/* A slot: the length of the topic, 0 for none, in two bytes, then the topic. It is
 * touched byte by byte, since topics of any length make slots unaligned. */
#define LENGTH_BYTES 2u

static uint8_t *place(const struct tacit_alias_table *table, unsigned index)
{
    return table->slots + index * (LENGTH_BYTES + table->slot_bytes);
}

static void store(const struct tacit_alias_table *table, unsigned index, struct mqtt_span topic)
{
    uint8_t *slot = place(table, index);
    slot[0] = (uint8_t)(topic.len >> 8);
    slot[1] = (uint8_t)topic.len;
    memcpy(slot + LENGTH_BYTES, topic.data, topic.len);
}

size_t tacit_alias_bytes(uint16_t capacity, uint16_t slot_bytes)
{
    return capacity * (LENGTH_BYTES + slot_bytes);
}

void tacit_alias_reset(struct tacit_alias_table *table, uint16_t maximum, uint16_t slot_bytes)
{
    table->maximum = maximum;
    table->slot_bytes = slot_bytes;
    table->next = 0;
    memset(table->slots, 0, tacit_alias_bytes(maximum, slot_bytes));
}

uint16_t tacit_alias_find(const struct tacit_alias_table *table, struct mqtt_span topic)
{
    unsigned alias = table->maximum;
    while (alias > 0 && !span_equal(tacit_alias_get(table, (uint16_t)alias), topic))
        alias--;
    return (uint16_t)alias;
}

uint16_t tacit_alias_assign(struct tacit_alias_table *table, struct mqtt_span topic)
{
    if (table->maximum == 0 || topic.len > table->slot_bytes)
        return 0;
    store(table, table->next, topic);
    uint16_t alias = (uint16_t)(table->next + 1u);
    table->next = alias < table->maximum ? alias : 0;
    return alias;
}

bool tacit_alias_set(struct tacit_alias_table *table, uint16_t alias, struct mqtt_span topic)
{
    if (alias > table->maximum)
        return false;
    if (topic.len > table->slot_bytes)
        topic.len = 0;
    store(table, alias - 1u, topic);
    return true;
}

struct mqtt_span tacit_alias_get(const struct tacit_alias_table *table, uint16_t alias)
{
    if (alias > table->maximum)
        return (struct mqtt_span){ NULL, 0 };
    const uint8_t *slot = place(table, alias - 1u);
    return (struct mqtt_span){ slot + LENGTH_BYTES, (size_t)(slot[0] << 8 | slot[1]) };
}
