/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outbox.h"

#include "base/invariant.h"
#include "base/pool.h"

#include <errno.h>
#include <stdlib.h>

/* What leaves in one turn comes back in the next: so much of it stays, per shard. */
#define KEPT_SMALL_BYTES  ((size_t)3 << 20)
#define KEPT_MIDDLE_BYTES ((size_t)9 << 20)
#define KEPT_LARGE_BYTES  ((size_t)8 << 20)

int outbox_pools_init(struct outbox_pools *pools)
{
    *pools = (struct outbox_pools){ 0 };
    pools->small = pool_new(sizeof(struct outbox_chunk) + OUTBOX_SMALL_BYTES, 0);
    pools->middle = pool_new(sizeof(struct outbox_chunk) + OUTBOX_MIDDLE_BYTES, 0);
    pools->large = pool_new(sizeof(struct outbox_chunk) + OUTBOX_LARGE_BYTES, 0);
    if (pools->small == NULL || pools->middle == NULL || pools->large == NULL) {
        outbox_pools_fini(pools);
        return -ENOMEM;
    }
    pool_keep(pools->small, KEPT_SMALL_BYTES);
    pool_keep(pools->middle, KEPT_MIDDLE_BYTES);
    pool_keep(pools->large, KEPT_LARGE_BYTES);
    return 0;
}

void outbox_pools_trim(struct outbox_pools *pools)
{
    pool_trim(pools->small);
    pool_trim(pools->middle);
    pool_trim(pools->large);
}

void outbox_pools_fini(struct outbox_pools *pools)
{
    pool_free(pools->small);
    pool_free(pools->middle);
    pool_free(pools->large);
    *pools = (struct outbox_pools){ 0 };
}

/* Of which kind the chunk behind `last` is, for a packet of `len` bytes. */
static size_t capacity_after(const struct outbox_chunk *last, size_t len)
{
    if (last == NULL && len <= OUTBOX_SMALL_BYTES)
        return OUTBOX_SMALL_BYTES;
    if ((last == NULL || last->capacity == OUTBOX_SMALL_BYTES) && len <= OUTBOX_MIDDLE_BYTES)
        return OUTBOX_MIDDLE_BYTES;
    return len <= OUTBOX_LARGE_BYTES ? OUTBOX_LARGE_BYTES : len;
}

/* NULL: not from a pool. */
static struct pool *pool_of(const struct outbox_pools *pools, size_t capacity)
{
    switch (capacity) {
    case OUTBOX_SMALL_BYTES:
        return pools->small;
    case OUTBOX_MIDDLE_BYTES:
        return pools->middle;
    case OUTBOX_LARGE_BYTES:
        return pools->large;
    default:
        return NULL;
    }
}

static struct outbox_chunk *chunk_take(struct outbox_pools *pools, size_t capacity)
{
    struct pool *pool = pool_of(pools, capacity);
    struct outbox_chunk *chunk = pool != NULL ? pool_take(pool) : malloc(sizeof(*chunk) + capacity);

    if (chunk == NULL)
        return NULL;
    pools->bytes += capacity;
    chunk->next = NULL;
    chunk->capacity = (uint32_t)capacity;
    chunk->begin = 0;
    chunk->end = 0;
    return chunk;
}

static void chunk_give(struct outbox_pools *pools, struct outbox_chunk *chunk)
{
    struct pool *pool = pool_of(pools, chunk->capacity);

    pools->bytes -= chunk->capacity;
    if (pool != NULL)
        pool_give(pool, chunk);
    else
        free(chunk);
}

static uint8_t *reserve_chunk(struct outbox *outbox, struct outbox_pools *pools, size_t len)
{
    struct outbox_chunk *chunk = outbox->bytes < OUTBOX_MOST_BYTES
                                     ? chunk_take(pools, capacity_after(outbox->last, len))
                                     : NULL;

    if (chunk == NULL)
        return NULL;
    if (outbox->last != NULL)
        outbox->last->next = chunk;
    else
        outbox->first = chunk;
    outbox->last = chunk;
    return chunk->bytes;
}

uint8_t *outbox_reserve(struct outbox *outbox, struct outbox_pools *pools, size_t len)
{
    struct outbox_chunk *last = outbox->last;

    if (MQTT_LIKELY(last != NULL && last->capacity - last->end >= len))
        return last->bytes + last->end;
    return reserve_chunk(outbox, pools, len);
}

void outbox_commit(struct outbox *outbox, size_t len)
{
    MQTT_INVARIANT(outbox->last->capacity - outbox->last->end >= len);
    outbox->last->end += (uint32_t)len;
    outbox->bytes += (uint32_t)len;
    if (MQTT_UNLIKELY(outbox->is_held))
        outbox->held_bytes += (uint32_t)len;
}

size_t outbox_peek(const struct outbox *outbox, struct mqtt_span *spans, size_t max)
{
    size_t count = 0;
    size_t left = outbox_ready(outbox);

    for (const struct outbox_chunk *c = outbox->first; left > 0 && count < max; c = c->next) {
        size_t here = c->end - c->begin;

        if (here == 0)
            continue;
        if (here > left)
            here = left;
        spans[count++] = (struct mqtt_span){ c->bytes + c->begin, here };
        left -= here;
    }
    return count;
}

static void drop_first(struct outbox *outbox, struct outbox_pools *pools)
{
    struct outbox_chunk *chunk = outbox->first;

    outbox->first = chunk->next;
    if (outbox->first == NULL)
        outbox->last = NULL;
    chunk_give(pools, chunk);
}

void outbox_consume(struct outbox *outbox, struct outbox_pools *pools, size_t len)
{
    MQTT_INVARIANT(len <= outbox_ready(outbox));
    outbox->bytes -= (uint32_t)len;
    while (outbox->first != NULL) {
        struct outbox_chunk *chunk = outbox->first;
        size_t here = chunk->end - chunk->begin;

        if (len < here) {
            chunk->begin += (uint32_t)len;
            return;
        }
        len -= here;
        drop_first(outbox, pools);
    }
}

void outbox_let_go(struct outbox *outbox)
{
    outbox->held_bytes = 0;
    outbox->is_held = false;
}

/* Cuts the chain behind the bytes that stay. */
void outbox_drop_held(struct outbox *outbox, struct outbox_pools *pools)
{
    struct outbox_chunk *chunk = outbox->first;
    size_t stays = outbox_ready(outbox);

    if (stays == 0) {
        outbox_clear(outbox, pools);
        return;
    }
    outbox->bytes = (uint32_t)stays;
    outbox_let_go(outbox);
    while (stays > (size_t)(chunk->end - chunk->begin)) {
        stays -= chunk->end - chunk->begin;
        chunk = chunk->next;
    }
    chunk->end = chunk->begin + (uint32_t)stays;
    while (chunk->next != NULL) {
        struct outbox_chunk *gone = chunk->next;

        chunk->next = gone->next;
        chunk_give(pools, gone);
    }
    outbox->last = chunk;
}

void outbox_clear(struct outbox *outbox, struct outbox_pools *pools)
{
    while (outbox->first != NULL)
        drop_first(outbox, pools);
    outbox->bytes = 0;
    outbox_let_go(outbox);
}
