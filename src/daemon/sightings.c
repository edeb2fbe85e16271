/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/sightings.h"

#include "base/bytes_map.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sightings {
    pthread_mutex_t lock; /* of the map */
    struct bytes_map map; /* struct sighting by name */
    size_t most;
};

struct sighting {
    struct bytes_node node;
    struct activity_seen seen;
};

static struct sighting *sighting_of(struct bytes_node *node)
{
    return MQTT_CONTAINER_OF(node, struct sighting, node);
}

struct sightings *sightings_new(const struct siphash_key *key, size_t most)
{
    struct sightings *sightings = calloc(1, sizeof(*sightings));

    if (sightings == NULL)
        return NULL;
    (void)pthread_mutex_init(&sightings->lock, NULL);
    bytes_map_init(&sightings->map, key);
    sightings->most = most;
    return sightings;
}

static void free_one(struct bytes_node *node, void *context)
{
    (void)context;
    free(sighting_of(node));
}

void sightings_free(struct sightings *sightings)
{
    if (sightings == NULL)
        return;
    bytes_map_each(&sightings->map, free_one, NULL);
    bytes_map_fini(&sightings->map);
    (void)pthread_mutex_destroy(&sightings->lock);
    free(sightings);
}

static struct sighting *find_or_add(struct sightings *sightings, const char *name, int64_t now_s)
{
    struct bytes_node *node = bytes_map_find(&sightings->map, span_of(name));

    if (node != NULL)
        return sighting_of(node);
    struct sighting *sighting =
        sightings->map.count < sightings->most ? calloc(1, sizeof(*sighting)) : NULL;
    if (sighting == NULL)
        return NULL;
    memcpy(sighting->seen.name, name, strlen(name) + 1);
    sighting->seen.first_s = now_s;
    sighting->node.key = span_of(sighting->seen.name);
    if (bytes_map_insert(&sightings->map, &sighting->node) == 0)
        return sighting;
    free(sighting);
    return NULL;
}

void sightings_note(struct sightings *sightings, const char *name, const char *address,
                    int64_t now_s)
{
    if (strlen(name) >= IDENTITY_URI_NAME_SIZE)
        return;
    pthread_mutex_lock(&sightings->lock);
    struct sighting *sighting = find_or_add(sightings, name, now_s);
    if (sighting != NULL) {
        sighting->seen.last_s = now_s;
        (void)snprintf(sighting->seen.address, sizeof(sighting->seen.address), "%s", address);
    }
    pthread_mutex_unlock(&sightings->lock);
}

struct taking {
    struct activity_seen *all;
    size_t count;
};

static void take_one(struct bytes_node *node, void *context)
{
    struct taking *taking = context;

    taking->all[taking->count++] = sighting_of(node)->seen;
    free(sighting_of(node));
}

size_t sightings_take(struct sightings *sightings, struct activity_seen **out)
{
    struct taking taking = { NULL, 0 };

    pthread_mutex_lock(&sightings->lock);
    size_t count = sightings->map.count;
    if (count > 0)
        taking.all = calloc(count, sizeof(*taking.all));
    if (taking.all != NULL) {
        struct siphash_key key = sightings->map.hash_key;
        bytes_map_each(&sightings->map, take_one, &taking);
        bytes_map_fini(&sightings->map);
        bytes_map_init(&sightings->map, &key);
    }
    pthread_mutex_unlock(&sightings->lock);
    *out = taking.all;
    return taking.count;
}
