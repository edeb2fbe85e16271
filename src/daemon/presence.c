/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/presence.h"

#include <stdlib.h>
#include <string.h>

#define STRANGERS_MAX 1000 /* to be asked about in one go: some tens of microseconds */

void presence_init(struct presence *presence, const struct siphash_key *key)
{
    presence->strangers = 0;
    bytes_map_init(&presence->map, key);
}

static struct presence_entry *entry_of(struct bytes_node *node)
{
    return MQTT_CONTAINER_OF(node, struct presence_entry, node);
}

static void drop_entry(struct presence_entry *entry)
{
    free(entry->keys);
    free(entry);
}

static void free_entry(struct bytes_node *node, void *context)
{
    (void)context;
    drop_entry(entry_of(node));
}

void presence_fini(struct presence *presence)
{
    bytes_map_each(&presence->map, free_entry, NULL);
    bytes_map_fini(&presence->map);
}

/* Distinct keys of one device are rare: certificates of other CAs with the same common name.
 * Without a certificate there is none. */
static bool add_key(struct presence_entry *entry, const struct tls_peer *peer)
{
    if (peer == NULL)
        return true;
    for (size_t i = 0; i < entry->key_count; i++)
        if (memcmp(entry->keys[i].sha256, peer->key_fingerprint, sizeof(entry->keys[i].sha256))
            == 0)
            return true;
    struct presence_key *keys =
        reallocarray(entry->keys, entry->key_count + 1, sizeof(entry->keys[0]));
    if (keys == NULL)
        return false;
    struct presence_key key = { .is_rsa = peer->is_rsa };
    memcpy(key.sha256, peer->key_fingerprint, sizeof(key.sha256));
    memcpy(key.modulus_tag, peer->modulus_tag, sizeof(key.modulus_tag));
    keys[entry->key_count++] = key;
    entry->keys = keys;
    return true;
}

static void insert(struct presence *presence, const char *device,
                   const struct presence_proof *proof)
{
    const struct tls_peer *peer = proof->peer;
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
    entry->is_ours = proof->is_ours;
    entry->has_token = proof->has_token;
    entry->connections = 1;
    entry->node.key = span_of(entry->name);
    if (!add_key(entry, peer) || bytes_map_insert(&presence->map, &entry->node) != 0) {
        drop_entry(entry);
        return;
    }
    presence->strangers += !entry->is_ours;
}

void presence_add(struct presence *presence, const char *device, const struct presence_proof *proof)
{
    const struct tls_peer *peer = proof->peer;
    struct bytes_node *node = bytes_map_find(&presence->map, span_of(device));
    if (node == NULL) {
        insert(presence, device, proof);
        return;
    }
    struct presence_entry *entry = entry_of(node);
    entry->connections++;
    bool is_other_kind = entry->is_ours != proof->is_ours
                         || entry->has_certificate != (peer != NULL)
                         || entry->has_token != proof->has_token;
    if (is_other_kind
        || (peer != NULL && memcmp(entry->key, peer->key_fingerprint, sizeof(entry->key)) != 0))
        entry->is_mixed = true;
    (void)add_key(entry, peer);
}

void presence_remove(struct presence *presence, const char *device)
{
    struct bytes_node *node = bytes_map_find(&presence->map, span_of(device));
    if (node == NULL || --entry_of(node)->connections > 0)
        return;
    bytes_map_remove(&presence->map, node);
    presence->strangers -= !entry_of(node)->is_ours;
    drop_entry(entry_of(node));
}

const struct presence_entry *presence_find(const struct presence *presence, const char *device)
{
    struct bytes_node *node = bytes_map_find(&presence->map, span_of(device));
    return node != NULL ? entry_of(node) : NULL;
}

struct search {
    const struct registry_view *devices;
    const struct account_view *accounts;
    bool has_found;
};

static void look_for_stranger(struct bytes_node *node, void *context)
{
    const struct presence_entry *entry = entry_of(node);
    struct search *search = context;
    bool is_account = !entry->has_certificate && !entry->has_token;

    if (entry->is_ours || search->has_found)
        return;
    search->has_found = registry_view_find(search->devices, node->key) != NULL
                        || (!is_account && account_view_find(search->accounts, node->key) != NULL);
}

bool presence_has_strangers(struct presence *presence, const struct registry_view *devices,
                            const struct account_view *accounts)
{
    struct search search = { .devices = devices, .accounts = accounts };

    if (presence->strangers > STRANGERS_MAX)
        return true;
    if (devices != NULL && presence->strangers > 0)
        bytes_map_each(&presence->map, look_for_stranger, &search);
    return search.has_found;
}
