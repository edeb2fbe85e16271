/* SPDX-License-Identifier: Apache-2.0 */
#include "replay/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM  64u
#define HASH_DIGITS 8u

void fleet_init(struct fleet *fleet)
{
    /* Fixed, so that two replays of the same files say the same. */
    *fleet = (struct fleet){ .key = { UINT64_C(0x7461636974), UINT64_C(0x73656e7365) } };
    bytes_map_init(&fleet->by_name, &fleet->key);
    bytes_map_init(&fleet->streams, &fleet->key);
}

static void free_stream(struct bytes_node *node, void *context)
{
    struct fleet *fleet = context;

    bytes_map_remove(&fleet->streams, node);
    free(MQTT_CONTAINER_OF(node, struct fleet_stream, node));
}

void fleet_fini(struct fleet *fleet)
{
    bytes_map_each(&fleet->streams, free_stream, fleet);
    bytes_map_fini(&fleet->streams);
    bytes_map_fini(&fleet->by_name);
    for (size_t i = 0; i < fleet->count; i++)
        free(fleet->devices[i]);
    free(fleet->devices);
    *fleet = (struct fleet){ .count = 0 };
}

void fleet_name(const struct fleet *fleet, struct mqtt_span name, char *out)
{
    size_t len = name.len < FLEET_NAME_BYTES ? name.len : FLEET_NAME_BYTES - 1;

    if (len > 0)
        memcpy(out, name.data, len);
    out[len] = '\0';
    if (len < name.len)
        (void)snprintf(out + len - HASH_DIGITS, HASH_DIGITS + 1, "%08x",
                       (unsigned)siphash(&fleet->key, name));
}

struct fleet_device *fleet_find(const struct fleet *fleet, struct mqtt_span name)
{
    char kept[FLEET_NAME_BYTES];

    fleet_name(fleet, name, kept);
    struct bytes_node *node = bytes_map_find(
        &fleet->by_name, (struct mqtt_span){ (const uint8_t *)kept, strnlen(kept, sizeof(kept)) });
    return node != NULL ? MQTT_CONTAINER_OF(node, struct fleet_device, node) : NULL;
}

static bool has_room(struct fleet *fleet)
{
    if (fleet->count < fleet->room)
        return true;
    if (fleet->count >= FLEET_DEVICES_MOST)
        return false;
    size_t room = fleet->room == 0 ? FIRST_ROOM : fleet->room * 2;
    struct fleet_device **bigger = realloc(fleet->devices, room * sizeof(struct fleet_device *));
    if (bigger == NULL)
        return false;
    fleet->devices = bigger;
    fleet->room = room;
    return true;
}

struct fleet_device *fleet_add(struct fleet *fleet, struct mqtt_span name)
{
    struct fleet_device *device = fleet_find(fleet, name);

    if (device != NULL || !has_room(fleet))
        return device;
    device = calloc(1, sizeof(*device));
    if (device == NULL)
        return NULL;
    fleet_name(fleet, name, device->name);
    device->node.key = span_of(device->name);
    if (bytes_map_insert(&fleet->by_name, &device->node) != 0) {
        free(device);
        return NULL;
    }
    fleet->devices[fleet->count++] = device;
    return device;
}

struct fleet_stream *fleet_stream_at(struct fleet *fleet, struct mqtt_span address,
                                     struct mqtt_span stream)
{
    char key[2 * FLEET_NAME_BYTES];

    fleet_name(fleet, address, key);
    size_t len = strlen(key);
    key[len++] = ' ';
    fleet_name(fleet, stream, key + len);
    struct bytes_node *node = bytes_map_find(&fleet->streams, span_of(key));
    if (node != NULL)
        return MQTT_CONTAINER_OF(node, struct fleet_stream, node);

    size_t bytes = strlen(key) + 1;
    struct fleet_stream *made = calloc(1, sizeof(*made) + bytes);
    if (made == NULL)
        return NULL;
    memcpy(made->key, key, bytes);
    made->node.key = span_of(made->key);
    if (bytes_map_insert(&fleet->streams, &made->node) != 0) {
        free(made);
        return NULL;
    }
    return made;
}

void fleet_rest(struct fleet *fleet)
{
    bytes_map_each(&fleet->streams, free_stream, fleet);
    for (size_t i = 0; i < fleet->count; i++) {
        struct fleet_device *device = fleet->devices[i];
        sense_device_rest(&device->sense);
        device->standing = (struct sense_standing){ .evidence = 0 };
        device->in_run = false;
    }
}

struct fleet_device *fleet_keep(const struct fleet *fleet)
{
    struct fleet_device *kept = NULL;

    if (fleet->count > 0)
        kept = calloc(fleet->count, sizeof(*kept));
    for (size_t i = 0; kept != NULL && i < fleet->count; i++)
        kept[i] = *fleet->devices[i];
    return kept;
}

void fleet_return(struct fleet *fleet, const struct fleet_device *kept, size_t count)
{
    bytes_map_each(&fleet->streams, free_stream, fleet);
    while (fleet->count > count) {
        struct fleet_device *device = fleet->devices[--fleet->count];
        bytes_map_remove(&fleet->by_name, &device->node);
        free(device);
    }
    for (size_t i = 0; i < count; i++) {
        struct fleet_device *device = fleet->devices[i];
        struct bytes_node node = device->node; /* the map's */
        *device = kept[i];
        device->node = node;
    }
}

void fleet_sample(struct fleet_device *device, struct mqtt_span topic)
{
    char *place = device->samples[device->sample % FLEET_SAMPLES];
    size_t len = topic.len < FLEET_NAME_BYTES ? topic.len : FLEET_NAME_BYTES - 1;
    const char *before = device->samples[(device->sample + FLEET_SAMPLES - 1) % FLEET_SAMPLES];

    if (len == 0 || (strlen(before) == len && memcmp(before, topic.data, len) == 0))
        return;
    memcpy(place, topic.data, len);
    place[len] = '\0';
    device->sample = (uint8_t)((device->sample + 1) % FLEET_SAMPLES);
}
