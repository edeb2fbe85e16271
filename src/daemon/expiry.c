/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/expiry.h"

#include "codec/packet.h"

#include <errno.h>
#include <stdlib.h>

struct entry {
    struct bytes_node node;
    struct wheel_timer timer;
    const void *facts; /* the key is this pointer */
    struct client *client;
};

static struct mqtt_span key_of(const void *const *facts)
{
    return (struct mqtt_span){ (const uint8_t *)facts, sizeof(*facts) };
}

static struct entry *find(const struct expiry *expiry, const void *facts)
{
    struct bytes_node *node = bytes_map_find(&expiry->map, key_of(&facts));

    return node != NULL ? MQTT_CONTAINER_OF(node, struct entry, node) : NULL;
}

bool expiry_has(const struct expiry *expiry, const void *facts)
{
    return find(expiry, facts) != NULL;
}

void expiry_init(struct expiry *expiry, const struct siphash_key *key)
{
    *expiry = (struct expiry){ .loop = NULL };
    bytes_map_init(&expiry->map, key);
}

static void drop(struct bytes_node *node, void *context)
{
    struct entry *entry = MQTT_CONTAINER_OF(node, struct entry, node);
    const struct expiry *expiry = context;

    loop_cancel(expiry->loop, &entry->timer);
    free(entry);
}

void expiry_fini(struct expiry *expiry)
{
    bytes_map_each(&expiry->map, drop, expiry);
    bytes_map_fini(&expiry->map);
}

/* The entry goes with the event that the client has left. */
static void on_expired(struct wheel_timer *timer, void *context, uint64_t now_ms)
{
    struct entry *entry = MQTT_CONTAINER_OF(timer, struct entry, timer);

    (void)context;
    client_disconnect(entry->client, MQTT_MAXIMUM_CONNECT_TIME,
                      "the token has expired; connect with a new one", now_ms);
}

static struct entry *add(struct expiry *expiry, const void *facts)
{
    struct entry *entry = calloc(1, sizeof(*entry));

    if (entry == NULL)
        return NULL;
    entry->facts = facts;
    entry->node.key = key_of(&entry->facts);
    if (bytes_map_insert(&expiry->map, &entry->node) == 0)
        return entry;
    free(entry);
    return NULL;
}

int expiry_set(struct expiry *expiry, const void *facts, struct client *client, uint64_t in_ms)
{
    struct entry *entry = find(expiry, facts);

    if (entry == NULL)
        entry = add(expiry, facts);
    if (entry == NULL)
        return -ENOMEM;
    entry->client = client;
    loop_arm(expiry->loop, &entry->timer, loop_now_ms(expiry->loop) + in_ms, on_expired);
    return 0;
}

void expiry_remove(struct expiry *expiry, const void *facts)
{
    struct entry *entry = find(expiry, facts);

    if (entry == NULL)
        return;
    bytes_map_remove(&expiry->map, &entry->node);
    loop_cancel(expiry->loop, &entry->timer);
    free(entry);
}
