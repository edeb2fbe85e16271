/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic_quota.h"

#include <stdlib.h>

#define FIRST_SLOTS 16u

/* Open addressing, at most half full; 0 is a free slot. */
struct topic_quota {
    uint64_t *slots;
    uint32_t mask; /* slots - 1 */
    uint32_t count;
    uint32_t most;
    bool is_full;
    bool is_told;
};

struct topic_quota *topic_quota_new(uint32_t most_topics)
{
    struct topic_quota *quota = calloc(1, sizeof(*quota));

    if (quota == NULL)
        return NULL;
    quota->most = most_topics;
    quota->mask = FIRST_SLOTS - 1;
    quota->slots = calloc(FIRST_SLOTS, sizeof(quota->slots[0]));
    if (quota->slots != NULL)
        return quota;
    free(quota);
    return NULL;
}

void topic_quota_free(struct topic_quota *quota)
{
    if (quota == NULL)
        return;
    free(quota->slots);
    free(quota);
}

void topic_quota_set(struct topic_quota *quota, uint32_t most_topics)
{
    quota->most = most_topics;
    quota->is_full = false;
    quota->is_told = false;
}

/* The slot that holds `hash`, or the free one where it belongs. */
static uint64_t *slot_of(uint64_t *slots, uint32_t mask, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & mask;

    while (slots[i] != 0 && slots[i] != hash)
        i = (i + 1) & mask;
    return &slots[i];
}

static bool grow(struct topic_quota *quota)
{
    uint32_t mask = 2 * quota->mask + 1;
    uint64_t *slots = calloc((size_t)mask + 1, sizeof(slots[0]));

    if (slots == NULL)
        return false;
    for (uint32_t i = 0; i <= quota->mask; i++) {
        if (quota->slots[i] != 0)
            *slot_of(slots, mask, quota->slots[i]) = quota->slots[i];
    }
    free(quota->slots);
    quota->slots = slots;
    quota->mask = mask;
    return true;
}

static bool turn_away(struct topic_quota *quota)
{
    quota->is_full = true;
    return false;
}

bool topic_quota_admit(struct topic_quota *quota, uint64_t hash)
{
    uint64_t key = hash != 0 ? hash : 1;

    if (*slot_of(quota->slots, quota->mask, key) == key)
        return true;
    if (quota->count >= quota->most)
        return turn_away(quota);
    if (2 * (quota->count + 1) > quota->mask && !grow(quota))
        return turn_away(quota);
    *slot_of(quota->slots, quota->mask, key) = key;
    quota->count++;
    return true;
}

bool topic_quota_tell_full(struct topic_quota *quota)
{
    bool tell = quota->is_full && !quota->is_told;

    quota->is_told |= tell;
    return tell;
}
