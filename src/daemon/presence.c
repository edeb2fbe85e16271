/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/presence.h"

#include <stdlib.h>
#include <string.h>

void presence_init(struct presence *presence, const struct siphash_key *key)
{
    bytes_map_init(&presence->map, key);
}

static struct presence_entry *entry_of(struct bytes_node *node)
{
    return MQTT_CONTAINER_OF(node, struct presence_entry, node);
}

static void free_entry(struct bytes_node *node, void *context)
{
    (void)context;
    free(entry_of(node));
}

void presence_fini(struct presence *presence)
{
    bytes_map_each(&presence->map, free_entry, NULL);
    bytes_map_fini(&presence->map);
}

static void insert(struct presence *presence, const char *device, const struct tls_peer *peer,
                   bool is_ours)
{
    size_t len = strlen(device);
    if (len > IDENTITY_NAME_BYTES)
        return;
    struct presence_entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL)
        return;
    memcpy(entry->name, device, len + 1);
    if (peer != NULL)
        memcpy(entry->key, peer->key_fingerprint, sizeof(entry->key));
    entry->has_certificate = peer != NULL;
    entry->is_ours = is_ours;
    entry->connections = 1;
    entry->node.key = span_of(entry->name);
    if (bytes_map_insert(&presence->map, &entry->node) != 0)
        free(entry);
}

void presence_add(struct presence *presence, const char *device, const struct tls_peer *peer,
                  bool is_ours)
{
    struct bytes_node *node = bytes_map_find(&presence->map, span_of(device));
    if (node == NULL) {
        insert(presence, device, peer, is_ours);
        return;
    }
    struct presence_entry *entry = entry_of(node);
    entry->connections++;
    if (entry->is_ours != is_ours || entry->has_certificate != (peer != NULL))
        entry->is_mixed = true;
    else if (peer != NULL && memcmp(entry->key, peer->key_fingerprint, sizeof(entry->key)) != 0)
        entry->is_mixed = true;
}

void presence_remove(struct presence *presence, const char *device)
{
    struct bytes_node *node = bytes_map_find(&presence->map, span_of(device));
    if (node == NULL || --entry_of(node)->connections > 0)
        return;
    bytes_map_remove(&presence->map, node);
    free(entry_of(node));
}

const struct presence_entry *presence_find(const struct presence *presence, const char *device)
{
    struct bytes_node *node = bytes_map_find(&presence->map, span_of(device));
    return node != NULL ? entry_of(node) : NULL;
}
