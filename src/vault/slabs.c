/* SPDX-License-Identifier: Apache-2.0 */
#include "vault/slabs.h"

#include "base/list.h"
#include "base/poison.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Sizes are 16, 32, … 128, and from there four to a doubling: at most a fifth of a piece is left over. */
#define STEP_BYTES 16u
#define EVEN_BYTES 128u
#define EVEN_SIZES (EVEN_BYTES / STEP_BYTES)
#define SIZES      (EVEN_SIZES + 30u)

/* Slabs are made accessible so many at a time: a system call each time. */
#define GROWTH 16u

struct slab {
    struct list link; /* in `partial` of its size while it has room, or in `ready` or `empty` */
    uint16_t size;    /* which */
    uint16_t used;
    /* Of each piece, and how many: kept, as two divisions took a quarter of what an allocation costs. */
    uint16_t piece_bytes;
    uint16_t capacity;
    uint16_t touched_bytes; /* from here on nothing was ever given out */
    uint16_t first_free;    /* its place in steps, and 1; the next one's stands in it; 0: none */
};

struct size {
    atomic_flag is_taken;
    struct list partial;
};

struct slabs {
    uint8_t *begin; /* of the first slab */
    uint8_t *mapped;
    size_t mapped_bytes;
    struct slab *all;
    uint32_t most;
    struct size sizes[SIZES];
    uint32_t most_ready;
    atomic_flag is_taken; /* of what follows */
    struct list ready;    /* empty, with their pages */
    uint32_t ready_count;
    struct list empty; /* without */
    uint32_t made;
    uint32_t accessible;
    _Atomic uint32_t in_use;
};

_Static_assert(SLABS_SLAB_BYTES <= UINT16_MAX, "places and pieces are counted in 16 bits");

/* Held for some instructions. */
static void lock(atomic_flag *is_taken)
{
    while (atomic_flag_test_and_set_explicit(is_taken, memory_order_acquire))
        sched_yield();
}

static void unlock(atomic_flag *is_taken)
{
    atomic_flag_clear_explicit(is_taken, memory_order_release);
}

/* ---- sizes ---- */

static unsigned size_for(size_t bytes)
{
    if (bytes <= EVEN_BYTES)
        return bytes == 0 ? 0 : (unsigned)((bytes - 1) / STEP_BYTES);
    size_t last = bytes - 1;
    unsigned doublings = 56 - (unsigned)__builtin_clzll(last); /* 128 to 255: none */
    return EVEN_SIZES + 4 * doublings + (unsigned)(last >> (doublings + 5)) - 4;
}

static size_t bytes_of(unsigned size)
{
    if (size < EVEN_SIZES)
        return (size_t)(size + 1) * STEP_BYTES;
    unsigned above = size - EVEN_SIZES;
    return (size_t)(5 + above % 4) << (5 + above / 4);
}

/* ---- open and close ---- */

int slabs_open(uint32_t most, uint32_t most_ready, struct slabs **out)
{
    struct slabs *slabs = calloc(1, sizeof(*slabs));
    if (slabs == NULL)
        return -ENOMEM;
    size_t all_bytes = (size_t)most * sizeof(struct slab);
    slabs->most = most;
    slabs->most_ready = most_ready;
    slabs->mapped_bytes = ((size_t)most + 1) * SLABS_SLAB_BYTES;
    slabs->mapped = mmap(NULL, slabs->mapped_bytes, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    slabs->all = mmap(NULL, all_bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (slabs->mapped == MAP_FAILED || slabs->all == MAP_FAILED) {
        slabs_close(slabs);
        return -ENOMEM;
    }
    /* A huge page would be kept by one piece. */
    (void)madvise(slabs->mapped, slabs->mapped_bytes, MADV_NOHUGEPAGE);
    uintptr_t over = (uintptr_t)slabs->mapped % SLABS_SLAB_BYTES;
    slabs->begin = slabs->mapped + (over == 0 ? 0 : SLABS_SLAB_BYTES - over);
    for (unsigned i = 0; i < SIZES; i++)
        list_init(&slabs->sizes[i].partial);
    list_init(&slabs->ready);
    list_init(&slabs->empty);
    *out = slabs;
    return 0;
}

void slabs_close(struct slabs *slabs)
{
    if (slabs == NULL)
        return;
    if (slabs->mapped != MAP_FAILED)
        (void)munmap(slabs->mapped, slabs->mapped_bytes);
    if (slabs->all != MAP_FAILED)
        (void)munmap(slabs->all, (size_t)slabs->most * sizeof(struct slab));
    free(slabs);
}

/* ---- slabs ---- */

static uint8_t *memory_of(const struct slabs *slabs, const struct slab *slab)
{
    return slabs->begin + (size_t)(slab - slabs->all) * SLABS_SLAB_BYTES;
}

static struct slab *slab_of(const struct slabs *slabs, const void *piece)
{
    return &slabs->all[(size_t)((const uint8_t *)piece - slabs->begin) / SLABS_SLAB_BYTES];
}

static struct slab *make(struct slabs *slabs)
{
    if (slabs->made == slabs->accessible) {
        uint32_t left = slabs->most - slabs->made;
        uint32_t more = left < GROWTH ? left : GROWTH;
        if (more == 0
            || mprotect(slabs->begin + (size_t)slabs->made * SLABS_SLAB_BYTES,
                        (size_t)more * SLABS_SLAB_BYTES, PROT_READ | PROT_WRITE)
                   != 0)
            return NULL;
        slabs->accessible += more;
    }
    return &slabs->all[slabs->made++];
}

/* Its pages are there. NULL: none is ready. */
static struct slab *take_ready(struct slabs *slabs)
{
    struct list *link = list_take_first(&slabs->ready);
    if (link == NULL)
        return NULL;
    slabs->ready_count--;
    return MQTT_CONTAINER_OF(link, struct slab, link);
}

static struct slab *take_without_pages(struct slabs *slabs)
{
    struct list *link = list_take_first(&slabs->empty);
    struct slab *slab = link != NULL ? MQTT_CONTAINER_OF(link, struct slab, link) : make(slabs);
    slabs->in_use += slab != NULL ? 1 : 0;
    return slab;
}

/* NULL: there is none any more. */
static struct slab *take(struct slabs *slabs, unsigned size)
{
    lock(&slabs->is_taken);
    struct slab *slab = take_ready(slabs);
    if (slab == NULL)
        slab = take_without_pages(slabs);
    unlock(&slabs->is_taken);
    if (slab != NULL)
        *slab = (struct slab){ .size = (uint16_t)size,
                               .capacity = (uint16_t)(SLABS_SLAB_BYTES / bytes_of(size)),
                               .piece_bytes = (uint16_t)bytes_of(size) };
    return slab;
}

static bool keep_ready(struct slabs *slabs, struct slab *slab)
{
    lock(&slabs->is_taken);
    bool has_room = slabs->ready_count < slabs->most_ready;
    if (has_room) {
        list_push_front(&slabs->ready, &slab->link);
        slabs->ready_count++;
    }
    unlock(&slabs->is_taken);
    return has_room;
}

static void give_back(struct slabs *slabs, struct slab *slab)
{
    (void)madvise(memory_of(slabs, slab), SLABS_SLAB_BYTES, MADV_DONTNEED);
    lock(&slabs->is_taken);
    list_push_front(&slabs->empty, &slab->link);
    slabs->in_use--;
    unlock(&slabs->is_taken);
}

static void give(struct slabs *slabs, struct slab *slab)
{
    unpoison_bytes(memory_of(slabs, slab), SLABS_SLAB_BYTES);
    if (!keep_ready(slabs, slab))
        give_back(slabs, slab);
}

/* ---- pieces ---- */

static void *pop(const struct slabs *slabs, struct slab *slab)
{
    size_t offset =
        slab->first_free != 0 ? (size_t)(slab->first_free - 1) * STEP_BYTES : slab->touched_bytes;
    uint8_t *piece = memory_of(slabs, slab) + offset;
    unpoison_bytes(piece, slab->piece_bytes);
    if (slab->first_free != 0)
        slab->first_free = *(uint16_t *)(void *)piece;
    else
        slab->touched_bytes = (uint16_t)(slab->touched_bytes + slab->piece_bytes);
    slab->used++;
    if (slab->used == slab->capacity)
        list_unlink(&slab->link);
    return piece;
}

void *slabs_alloc(struct slabs *slabs, size_t bytes)
{
    if (bytes > SLABS_PIECE_BYTES)
        return NULL;
    unsigned which = size_for(bytes);
    struct size *size = &slabs->sizes[which];
    void *piece = NULL;
    lock(&size->is_taken);
    if (list_is_empty(&size->partial)) {
        struct slab *fresh = take(slabs, which);
        if (fresh != NULL)
            list_push_back(&size->partial, &fresh->link);
    }
    if (!list_is_empty(&size->partial))
        piece = pop(slabs, MQTT_CONTAINER_OF(size->partial.next, struct slab, link));
    unlock(&size->is_taken);
    return piece;
}

/* True if the slab is empty, and another one of its size has room. */
static bool push(const struct slabs *slabs, struct slab *slab, void *piece, struct size *size)
{
    size_t offset = (size_t)((uint8_t *)piece - memory_of(slabs, slab));
    *(uint16_t *)piece = slab->first_free;
    slab->first_free = (uint16_t)(offset / STEP_BYTES + 1);
    poison_bytes(piece, slab->piece_bytes);
    if (slab->used == slab->capacity)
        list_push_front(&size->partial, &slab->link);
    slab->used--;
    return slab->used == 0 && size->partial.next != size->partial.prev;
}

void slabs_free(struct slabs *slabs, void *piece)
{
    struct slab *slab = slab_of(slabs, piece);
    struct size *size = &slabs->sizes[slab->size];
    lock(&size->is_taken);
    bool is_done = push(slabs, slab, piece, size);
    if (is_done)
        list_unlink(&slab->link);
    unlock(&size->is_taken);
    if (is_done)
        give(slabs, slab);
}

/* ---- near ---- */

void *slabs_near_take(struct slabs_near *near, size_t bytes)
{
    if (bytes > SLABS_NEAR_BYTES)
        return NULL;
    unsigned size = size_for(bytes);
    if (near->counts[size] == 0)
        return NULL;
    void *piece = near->pieces[size][--near->counts[size]];
    unpoison_bytes(piece, bytes_of(size));
    return piece;
}

bool slabs_near_keep(struct slabs_near *near, const struct slabs *slabs, void *piece)
{
    unsigned size = slab_of(slabs, piece)->size;
    if (size >= SLABS_NEAR_SIZES || near->counts[size] == SLABS_NEAR_MOST)
        return false;
    near->pieces[size][near->counts[size]++] = piece;
    poison_bytes(piece, bytes_of(size));
    return true;
}

void slabs_near_drop(struct slabs_near *near, struct slabs *slabs)
{
    for (unsigned size = 0; size < SLABS_NEAR_SIZES; size++) {
        while (near->counts[size] > 0) {
            void *piece = near->pieces[size][--near->counts[size]];
            unpoison_bytes(piece, bytes_of(size));
            slabs_free(slabs, piece);
        }
    }
}

/* ---- trimming ---- */

/* The one that a size has kept. */
static struct slab *take_empty(struct size *size)
{
    struct slab *found = NULL;
    lock(&size->is_taken);
    list_for_each_safe (link, following, &size->partial) {
        struct slab *slab = MQTT_CONTAINER_OF(link, struct slab, link);
        if (slab->used == 0) {
            list_unlink(link);
            found = slab;
            break;
        }
    }
    unlock(&size->is_taken);
    return found;
}

/* True if there was one. */
static bool give_back_ready(struct slabs *slabs)
{
    lock(&slabs->is_taken);
    struct slab *slab = take_ready(slabs);
    unlock(&slabs->is_taken);
    if (slab != NULL)
        give_back(slabs, slab);
    return slab != NULL;
}

void slabs_trim(struct slabs *slabs)
{
    for (unsigned i = 0; i < SIZES; i++) {
        struct slab *slab = take_empty(&slabs->sizes[i]);
        if (slab != NULL)
            give(slabs, slab);
    }
    while (give_back_ready(slabs)) {
    }
}

bool slabs_hold(const struct slabs *slabs, const void *piece)
{
    const uint8_t *at = piece;
    return at >= slabs->begin && at < slabs->begin + (size_t)slabs->most * SLABS_SLAB_BYTES;
}

size_t slabs_room(const struct slabs *slabs, const void *piece)
{
    return slab_of(slabs, piece)->piece_bytes;
}

uint32_t slabs_in_use(const struct slabs *slabs)
{
    return slabs->in_use;
}
