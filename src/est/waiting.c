/* SPDX-License-Identifier: Apache-2.0 */
#include "est/waiting.h"

#include "base/wipe.h"

#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t until_ms; /* 0: it is free */
    uint8_t key_sha256[ATTEST_HASH_BYTES];
    struct attest_pending pending;
};

struct est_waiting {
    uint32_t count;
    uint32_t patience_ms;
    struct place places[];
};

struct est_waiting *est_waiting_new(uint32_t count, uint32_t patience_ms)
{
    struct est_waiting *waiting = calloc(1, sizeof(*waiting) + count * sizeof(struct place));

    if (waiting == NULL)
        return NULL;
    waiting->count = count;
    waiting->patience_ms = patience_ms;
    return waiting;
}

void est_waiting_free(struct est_waiting *waiting)
{
    if (waiting == NULL)
        return;
    wipe_bytes(waiting->places, waiting->count * sizeof(struct place));
    free(waiting);
}

static struct place *find(struct est_waiting *waiting, const uint8_t *key_sha256)
{
    for (uint32_t i = 0; i < waiting->count; i++)
        if (waiting->places[i].until_ms != 0
            && memcmp(waiting->places[i].key_sha256, key_sha256, ATTEST_HASH_BYTES) == 0)
            return &waiting->places[i];
    return NULL;
}

/* A free one counts as older than all. */
static struct place *find_oldest(struct est_waiting *waiting)
{
    struct place *oldest = &waiting->places[0];

    for (uint32_t i = 1; i < waiting->count; i++)
        if (waiting->places[i].until_ms < oldest->until_ms)
            oldest = &waiting->places[i];
    return oldest;
}

void est_waiting_put(struct est_waiting *waiting, const uint8_t key_sha256[ATTEST_HASH_BYTES],
                     const struct attest_pending *pending, uint64_t now_ms)
{
    struct place *place = find(waiting, key_sha256);

    if (place == NULL)
        place = find_oldest(waiting);
    place->until_ms = now_ms + waiting->patience_ms;
    memcpy(place->key_sha256, key_sha256, sizeof(place->key_sha256));
    place->pending = *pending;
}

bool est_waiting_take(struct est_waiting *waiting, const uint8_t key_sha256[ATTEST_HASH_BYTES],
                      uint64_t now_ms, struct attest_pending *out)
{
    struct place *place = find(waiting, key_sha256);

    if (place == NULL)
        return false;
    bool is_in_time = now_ms < place->until_ms;
    if (is_in_time)
        *out = place->pending;
    wipe_bytes(place, sizeof(*place));
    return is_in_time;
}
