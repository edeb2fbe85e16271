/* SPDX-License-Identifier: Apache-2.0 */
#include "client/alias.h"

#include "client/state.h"

#include <string.h>

/* A slot: the length of the topic, 0 for none, in two bytes, then the topic. It is
 * touched byte by byte, since topics of any length make slots unaligned. */
#define LENGTH_BYTES 2u

/* Aliases count from 1: that one before the first slot is never used. */
static MQTT_NOINLINE uint8_t *slot_of(const struct tacit_client *client, unsigned alias)
{
    const struct tacit_limits *limits = tacit_limits(client);
    return tacit_send_memory(client) + limits->send_bytes
           + tacit_alias_bytes(alias - 1, limits->alias_topic_bytes);
}

static unsigned outgoing(const struct tacit_client *client, unsigned alias)
{
    return tacit_limits(client)->aliases_in + alias;
}

static struct tacit_bytes topic_in(const uint8_t *slot)
{
    return (struct tacit_bytes){ slot + LENGTH_BYTES, (size_t)(slot[0] << 8 | slot[1]) };
}

/* One that is too long is not kept. */
static MQTT_NOINLINE void store(const struct tacit_client *client, unsigned alias,
                                const void *topic, size_t len)
{
    uint8_t *slot = slot_of(client, alias);
    if (len > tacit_limits(client)->alias_topic_bytes)
        len = 0;
    slot[0] = (uint8_t)(len >> 8);
    slot[1] = (uint8_t)len;
    memmove(slot + LENGTH_BYTES, topic, len);
}

size_t tacit_alias_bytes(unsigned capacity, uint16_t slot_bytes)
{
    return capacity * (LENGTH_BYTES + slot_bytes);
}

void tacit_alias_reset(struct tacit_client *client)
{
    const struct tacit_limits *limits = tacit_limits(client);
    uint8_t *first = slot_of(client, 1);
    if (client->grant.topic_aliases > limits->aliases_out)
        client->grant.topic_aliases = limits->aliases_out;
    client->next_alias = 1;
    memset(first, 0, (size_t)(slot_of(client, outgoing(client, 1u + limits->aliases_out)) - first));
}

uint16_t tacit_alias_find(const struct tacit_client *client, const uint8_t *topic, size_t len)
{
    unsigned alias = client->grant.topic_aliases;
    for (; alias > 0; alias--) {
        struct tacit_bytes known = topic_in(slot_of(client, outgoing(client, alias)));
        if (known.len == len && memcmp(known.data, topic, len) == 0)
            break;
    }
    return (uint16_t)alias;
}

uint16_t tacit_alias_assign(struct tacit_client *client, const uint8_t *topic, size_t len)
{
    uint16_t alias = client->next_alias;
    if (client->grant.topic_aliases == 0 || len > tacit_limits(client)->alias_topic_bytes)
        return 0;
    store(client, outgoing(client, alias), topic, len);
    client->next_alias = alias < client->grant.topic_aliases ? (uint16_t)(alias + 1) : 1;
    return alias;
}

bool tacit_alias_resolve(struct tacit_client *client, uint16_t alias, struct tacit_bytes *topic)
{
    if (alias > tacit_aliases_in(client))
        return false;
    if (topic->len > 0) {
        store(client, alias, topic->data, topic->len);
        return true;
    }
    *topic = topic_in(slot_of(client, alias));
    /* Never set, or set to a topic too long to be kept; the latter can only be cured
     * by doing without aliases. */
    client->aliases_refused = topic->len == 0;
    return topic->len > 0;
}
