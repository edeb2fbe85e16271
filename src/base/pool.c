/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pool.h"

#include "base/invariant.h"
#include "base/list.h"
#include "base/poison.h"

#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#define SMALLEST_SLAB_BYTES  ((size_t)16 * 1024)
#define OBJECTS_IN_SLAB      16 /* at least */
#define LARGEST_OBJECT_BYTES (SIZE_MAX / 64)

/* Stands in an object while nobody has it. */
struct vacancy {
    struct vacancy *next;
};

/* Starts a block aligned to its own power-of-two size, so that an object's address
 * names its slab. */
struct slab {
    struct list link; /* in pool.open, pool.full or pool.spares */
    struct pool *pool;
    struct vacancy *vacant; /* given back */
    uint32_t live;
    uint32_t carved; /* objects handed out at least once; the others were never touched */
};

struct pool {
    size_t object_bytes; /* rounded up */
    size_t slab_bytes;
    size_t limit;
    size_t live;
    size_t slabs;
    uint32_t slab_objects;
    size_t spares_most; /* at least 1 */
    size_t spare_count;
    size_t spares_unused; /* fewest spares there were since pool_trim() */
    struct list spares;   /* empty slabs */
    struct list open;     /* slabs with room and at least one live object */
    struct list full;
};

static size_t round_up(size_t bytes)
{
    const size_t alignment = alignof(max_align_t);
    return (bytes + alignment - 1) / alignment * alignment;
}

static size_t header_bytes(void)
{
    return round_up(sizeof(struct slab));
}

struct pool *pool_new(size_t object_bytes, size_t limit)
{
    MQTT_INVARIANT(object_bytes > 0 && object_bytes <= LARGEST_OBJECT_BYTES);
    struct pool *pool = calloc(1, sizeof(*pool));
    if (pool == NULL)
        return NULL;
    pool->object_bytes = round_up(object_bytes);
    pool->slab_bytes = SMALLEST_SLAB_BYTES;
    while ((pool->slab_bytes - header_bytes()) / pool->object_bytes < OBJECTS_IN_SLAB)
        pool->slab_bytes *= 2;
    pool->slab_objects = (uint32_t)((pool->slab_bytes - header_bytes()) / pool->object_bytes);
    pool->limit = limit != 0 ? limit : SIZE_MAX;
    pool->spares_most = 1;
    list_init(&pool->open);
    list_init(&pool->full);
    list_init(&pool->spares);
    return pool;
}

static void slab_free(struct slab *slab)
{
    struct pool *pool = slab->pool;
    list_unlink(&slab->link);
    unpoison_bytes(slab, pool->slab_bytes);
    pool->slabs--;
    free(slab);
}

static void free_slabs(struct list *slabs)
{
    list_for_each_safe (link, following, slabs)
        slab_free(MQTT_CONTAINER_OF(link, struct slab, link));
}

void pool_free(struct pool *pool)
{
    if (pool == NULL)
        return;
    free_slabs(&pool->open);
    free_slabs(&pool->full);
    free_slabs(&pool->spares);
    free(pool);
}

static struct slab *slab_new(struct pool *pool)
{
    struct slab *slab = aligned_alloc(pool->slab_bytes, pool->slab_bytes);
    if (slab == NULL)
        return NULL;
    *slab = (struct slab){ .pool = pool };
    poison_bytes((char *)slab + header_bytes(), pool->slab_bytes - header_bytes());
    pool->slabs++;
    return slab;
}

static struct slab *take_spare(struct pool *pool)
{
    struct slab *slab = MQTT_CONTAINER_OF(pool->spares.next, struct slab, link);

    list_unlink(&slab->link);
    pool->spare_count--;
    if (pool->spare_count < pool->spares_unused)
        pool->spares_unused = pool->spare_count;
    return slab;
}

/* A slab with room, linked into pool->open, or NULL. */
static struct slab *find_room(struct pool *pool)
{
    if (!list_is_empty(&pool->open))
        return MQTT_CONTAINER_OF(pool->open.next, struct slab, link);
    struct slab *slab = pool->spare_count > 0 ? take_spare(pool) : slab_new(pool);
    if (slab == NULL)
        return NULL;
    list_push_front(&pool->open, &slab->link);
    return slab;
}

MQTT_HOT void *pool_take(struct pool *pool)
{
    if (pool->live >= pool->limit)
        return NULL;
    struct slab *slab = find_room(pool);
    if (slab == NULL)
        return NULL;

    void *object;
    if (slab->vacant != NULL) {
        object = slab->vacant;
        unpoison_bytes(object, pool->object_bytes);
        slab->vacant = slab->vacant->next;
        /* The next one to be taken has lain since it was given back. */
        __builtin_prefetch(slab->vacant, 1);
    } else {
        object = (char *)slab + header_bytes() + slab->carved * pool->object_bytes;
        unpoison_bytes(object, pool->object_bytes);
        slab->carved++;
    }

    slab->live++;
    pool->live++;
    if (slab->live == pool->slab_objects) {
        list_unlink(&slab->link);
        list_push_front(&pool->full, &slab->link);
    }
    return object;
}

/* Keeps empty slabs so that a load that swings does not go to malloc each time, which asks the
 * kernel for fresh pages when slabs are large. */
static void retire(struct pool *pool, struct slab *slab)
{
    list_unlink(&slab->link);
    if (pool->spare_count >= pool->spares_most) {
        slab_free(slab);
        return;
    }
    list_push_front(&pool->spares, &slab->link);
    pool->spare_count++;
}

void pool_keep(struct pool *pool, size_t bytes)
{
    pool->spares_most = bytes > pool->slab_bytes ? bytes / pool->slab_bytes : 1;
}

void pool_trim(struct pool *pool)
{
    size_t stay = pool->spare_count - pool->spares_unused;

    if (stay == 0)
        stay = 1;
    list_for_each_safe (link, following, &pool->spares) {
        if (pool->spare_count <= stay)
            break;
        pool->spare_count--;
        slab_free(MQTT_CONTAINER_OF(link, struct slab, link));
    }
    pool->spares_unused = pool->spare_count;
}

MQTT_HOT void pool_give(struct pool *pool, void *object)
{
    if (object == NULL)
        return;
    struct slab *slab = (void *)((uintptr_t)object & ~(uintptr_t)(pool->slab_bytes - 1));
    MQTT_INVARIANT(slab->pool == pool && slab->live > 0);

    struct vacancy *vacancy = object;
    vacancy->next = slab->vacant;
    slab->vacant = vacancy;
    poison_bytes(object, pool->object_bytes);

    bool was_full = slab->live == pool->slab_objects;
    slab->live--;
    pool->live--;
    if (slab->live == 0) {
        retire(pool, slab);
    } else if (was_full) {
        list_unlink(&slab->link);
        list_push_front(&pool->open, &slab->link);
    }
}

size_t pool_live(const struct pool *pool)
{
    return pool->live;
}

size_t pool_bytes(const struct pool *pool)
{
    return sizeof(*pool) + pool->slabs * pool->slab_bytes;
}
