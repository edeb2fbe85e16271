/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/holding.h"

#include "base/list.h"
#include "policy/identity.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct list link;
    uint64_t known_from; /* number of the first ruling that knows it; UINT64_MAX: none does yet */
    uint64_t settled_ms;
    enum hold_kind kind;
    char device[IDENTITY_NAME_BYTES + 1];
};

struct holding {
    pthread_mutex_t lock;
    atomic_size_t count; /* so that nobody waits for the lock where nobody is held */
    struct list entries;
};

struct holding *holding_new(void)
{
    struct holding *holding = calloc(1, sizeof(*holding));

    if (holding == NULL)
        return NULL;
    if (pthread_mutex_init(&holding->lock, NULL) != 0) {
        free(holding);
        return NULL;
    }
    atomic_init(&holding->count, 0);
    list_init(&holding->entries);
    return holding;
}

static void drop(struct holding *holding, struct entry *entry)
{
    list_unlink(&entry->link);
    free(entry);
    atomic_fetch_sub_explicit(&holding->count, 1, memory_order_release);
}

void holding_free(struct holding *holding)
{
    if (holding == NULL)
        return;
    list_for_each_safe (link, following, &holding->entries)
        drop(holding, MQTT_CONTAINER_OF(link, struct entry, link));
    pthread_mutex_destroy(&holding->lock);
    free(holding);
}

static struct entry *find(struct holding *holding, const char *device)
{
    list_for_each (link, &holding->entries) {
        struct entry *entry = MQTT_CONTAINER_OF(link, struct entry, link);
        if (strcmp(entry->device, device) == 0)
            return entry;
    }
    return NULL;
}

int holding_begin(struct holding *holding, const char *device, enum hold_kind kind)
{
    pthread_mutex_lock(&holding->lock);
    struct entry *entry = find(holding, device);
    if (entry == NULL) {
        entry = calloc(1, sizeof(*entry));
        if (entry != NULL) {
            list_push_back(&holding->entries, &entry->link);
            atomic_fetch_add_explicit(&holding->count, 1, memory_order_release);
            (void)snprintf(entry->device, sizeof(entry->device), "%s", device);
            entry->kind = kind;
        }
    }
    if (entry != NULL) {
        bool was_settled = entry->known_from != UINT64_MAX;
        entry->kind = was_settled || kind == HOLD_CLONE ? kind : entry->kind;
        entry->known_from = UINT64_MAX;
    }
    pthread_mutex_unlock(&holding->lock);
    return entry != NULL ? 0 : -ENOMEM;
}

void holding_settle(struct holding *holding, const char *device, uint64_t ruling_number,
                    uint64_t now_ms)
{
    pthread_mutex_lock(&holding->lock);
    list_for_each_safe (link, following, &holding->entries) {
        struct entry *entry = MQTT_CONTAINER_OF(link, struct entry, link);

        if (strcmp(entry->device, device) == 0) {
            entry->known_from = ruling_number;
            entry->settled_ms = now_ms;
        } else if (entry->known_from < ruling_number
                   && now_ms - entry->settled_ms > HOLDING_KEPT_MS) {
            drop(holding, entry);
        }
    }
    pthread_mutex_unlock(&holding->lock);
}

bool holding_has(struct holding *holding, const char *device, uint64_t ruling_number,
                 enum hold_kind *out_kind)
{
    if (atomic_load_explicit(&holding->count, memory_order_acquire) == 0)
        return false;
    pthread_mutex_lock(&holding->lock);
    const struct entry *entry = find(holding, device);
    bool result = entry != NULL && ruling_number < entry->known_from;
    if (result)
        *out_kind = entry->kind;
    pthread_mutex_unlock(&holding->lock);
    return result;
}
