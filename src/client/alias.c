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

static MQTT_NOINLINE uint8_t *slot_of(const struct tacit_client *client,
                                      const struct tacit_alias_table *table, unsigned alias)
{
    return table->slots + tacit_alias_bytes((uint16_t)(alias - 1), slot_bytes(client));
}

static struct tacit_bytes topic_in(const uint8_t *slot)
{
    return (struct tacit_bytes){ slot + LENGTH_BYTES, (size_t)(slot[0] << 8 | slot[1]) };
}

static MQTT_NOINLINE void store(uint8_t *slot, const void *topic, size_t len)
{
    slot[0] = (uint8_t)(len >> 8);
    slot[1] = (uint8_t)len;
    memmove(slot + LENGTH_BYTES, topic, len);
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

uint16_t tacit_alias_find(const struct tacit_client *client, const uint8_t *topic, size_t len)
{
    const struct tacit_alias_table *table = &client->aliases_out;
    unsigned alias = table->maximum;
    for (; alias > 0; alias--) {
        struct tacit_bytes known = topic_in(slot_of(client, table, alias));
        if (known.len == len && memcmp(known.data, topic, len) == 0)
            break;
    }
    return (uint16_t)alias;
}

uint16_t tacit_alias_assign(struct tacit_client *client, const uint8_t *topic, size_t len)
{
    struct tacit_alias_table *table = &client->aliases_out;
    if (table->maximum == 0 || len > slot_bytes(client))
        return 0;
    uint16_t alias = (uint16_t)(table->next + 1u);
    store(slot_of(client, table, alias), topic, len);
    table->next = alias < table->maximum ? alias : 0;
    return alias;
}

bool tacit_alias_resolve(struct tacit_client *client, uint16_t alias, struct tacit_bytes *topic)
{
    if (alias > client->aliases_in.maximum)
        return false;
    uint8_t *slot = slot_of(client, &client->aliases_in, alias);
    if (topic->len > 0) {
        store(slot, topic->data, topic->len <= slot_bytes(client) ? topic->len : 0);
        return true;
    }
    *topic = topic_in(slot);
    /* Never set, or set to a topic too long to be kept; the latter can only be cured
     * by doing without aliases. */
    client->aliases_refused = topic->len == 0;
    return topic->len > 0;
}
