/* SPDX-License-Identifier: Apache-2.0 */
#include "client/alias.h"

#include "client/state.h"

#include <string.h>

/* A slot: the length of the topic, 0 for none, in two bytes, then the topic. It is
 * touched byte by byte, since topics of any length make slots unaligned. */
#define LENGTH_BYTES 2u

static uint16_t slot_bytes(const struct tacit_client *client)
{
    return tacit_limits(client)->alias_topic_bytes;
}

static uint8_t *slot_of(const struct tacit_client *client, const struct tacit_alias_table *table,
                        unsigned alias)
{
    return table->slots + tacit_alias_bytes((uint16_t)(alias - 1), slot_bytes(client));
}

static struct mqtt_span topic_in(const uint8_t *slot)
{
    return (struct mqtt_span){ slot + LENGTH_BYTES, (size_t)(slot[0] << 8 | slot[1]) };
}

static void store(uint8_t *slot, struct mqtt_span topic)
{
    slot[0] = (uint8_t)(topic.len >> 8);
    slot[1] = (uint8_t)topic.len;
    memcpy(slot + LENGTH_BYTES, topic.data, topic.len);
}

size_t tacit_alias_bytes(uint16_t capacity, uint16_t slot_bytes)
{
    return capacity * (LENGTH_BYTES + slot_bytes);
}

void tacit_alias_reset(const struct tacit_client *client, struct tacit_alias_table *table,
                       uint16_t maximum)
{
    table->maximum = maximum;
    table->next = 0;
    memset(table->slots, 0, tacit_alias_bytes(maximum, slot_bytes(client)));
}

uint16_t tacit_alias_find(const struct tacit_client *client, struct mqtt_span topic)
{
    const struct tacit_alias_table *table = &client->aliases_out;
    unsigned alias = table->maximum;
    while (alias > 0 && !span_equal(topic_in(slot_of(client, table, alias)), topic))
        alias--;
    return (uint16_t)alias;
}

uint16_t tacit_alias_assign(struct tacit_client *client, struct mqtt_span topic)
{
    struct tacit_alias_table *table = &client->aliases_out;
    if (table->maximum == 0 || topic.len > slot_bytes(client))
        return 0;
    uint16_t alias = (uint16_t)(table->next + 1u);
    store(slot_of(client, table, alias), topic);
    table->next = alias < table->maximum ? alias : 0;
    return alias;
}

bool tacit_alias_set(struct tacit_client *client, uint16_t alias, struct mqtt_span topic)
{
    if (alias > client->aliases_in.maximum)
        return false;
    if (topic.len > slot_bytes(client))
        topic.len = 0;
    store(slot_of(client, &client->aliases_in, alias), topic);
    return true;
}

struct mqtt_span tacit_alias_get(const struct tacit_client *client, uint16_t alias)
{
    if (alias > client->aliases_in.maximum)
        return (struct mqtt_span){ NULL, 0 };
    return topic_in(slot_of(client, &client->aliases_in, alias));
}
