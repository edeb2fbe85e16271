/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/bar.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define WAYS   8 /* entries among which the hash leaves the choice */
#define DAY_MS UINT64_C(86400000)

struct entry {
    uint64_t key; /* 0: free */
    uint64_t until_ms;
    struct barred shown;
    bool is_pardon;
};

struct bar {
    struct siphash_key hash_key;
    pthread_mutex_t lock; /* around what follows, but the last */
    uint64_t first_s;
    uint64_t longest_s;
    uint64_t version;
    size_t sets;
    struct entry *entries;
    _Atomic uint64_t last_ms; /* until when anybody is blocked */
};

struct bar *bar_new(const struct siphash_key *key, const struct limits *limits)
{
    struct bar *bar = calloc(1, sizeof(*bar));

    if (bar == NULL || pthread_mutex_init(&bar->lock, NULL) != 0) {
        free(bar);
        return NULL;
    }
    bar->hash_key = *key;
    bar->sets = (size_t)limits->source_blocks / WAYS;
    bar->entries = calloc(bar->sets * WAYS, sizeof(bar->entries[0]));
    if (bar->entries == NULL) {
        bar_free(bar);
        return NULL;
    }
    bar_set_limits(bar, limits);
    return bar;
}

void bar_free(struct bar *bar)
{
    if (bar == NULL)
        return;
    (void)pthread_mutex_destroy(&bar->lock);
    free(bar->entries);
    free(bar);
}

void bar_set_limits(struct bar *bar, const struct limits *limits)
{
    pthread_mutex_lock(&bar->lock);
    bar->first_s = limits->source_block_s;
    bar->longest_s = limits->source_block_longest_s;
    pthread_mutex_unlock(&bar->lock);
}

/* ---- entries; the lock is held ---- */

static uint64_t key_of(const struct bar *bar, const struct barred_place *place)
{
    return siphash(&bar->hash_key, (struct mqtt_span){ place->bytes, place->len }) | 1;
}

/* Its own, or the one that it may have: free ones end first. */
static struct entry *entry_of(const struct bar *bar, const struct barred_place *place)
{
    uint64_t key = key_of(bar, place);
    struct entry *set = &bar->entries[key % bar->sets * WAYS];
    struct entry *least = &set[0];

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
        if (set[i].until_ms < least->until_ms)
            least = &set[i];
    }
    return least;
}

static struct entry *find(const struct bar *bar, const struct barred_place *place)
{
    struct entry *entry = entry_of(bar, place);

    return entry->key == key_of(bar, place) ? entry : NULL;
}

static bool counts(const struct entry *entry, uint64_t now_ms)
{
    return entry->key != 0 && now_ms < entry->until_ms;
}

static bool is_barred(const struct entry *entry, uint64_t now_ms)
{
    return counts(entry, now_ms) && !entry->is_pardon;
}

/* Twice as long each time. */
static uint64_t duration_s(const struct bar *bar, unsigned times)
{
    uint64_t seconds = bar->first_s;

    for (unsigned i = 1; i < times && seconds < bar->longest_s; i++)
        seconds *= 2;
    return seconds < bar->longest_s ? seconds : bar->longest_s;
}

/* ---- questions ---- */

bool bar_has(struct bar *bar, const struct barred_place *place, uint64_t now_ms)
{
    if (now_ms >= atomic_load_explicit(&bar->last_ms, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&bar->lock);
    const struct entry *entry = find(bar, place);
    bool has = entry != NULL && is_barred(entry, now_ms);
    pthread_mutex_unlock(&bar->lock);
    return has;
}

uint64_t bar_version(struct bar *bar)
{
    pthread_mutex_lock(&bar->lock);
    uint64_t version = bar->version;
    pthread_mutex_unlock(&bar->lock);
    return version;
}

static size_t list(const struct bar *bar, uint64_t now_ms, struct barred *out)
{
    size_t count = 0;

    for (size_t i = 0; i < bar->sets * WAYS; i++) {
        if (!is_barred(&bar->entries[i], now_ms))
            continue;
        if (out != NULL)
            out[count] = bar->entries[i].shown;
        count++;
    }
    return count;
}

struct barred *bar_list(struct bar *bar, uint64_t now_ms, size_t *out_count)
{
    pthread_mutex_lock(&bar->lock);
    struct barred *all = calloc(list(bar, now_ms, NULL) + 1, sizeof(*all));
    if (all != NULL)
        *out_count = list(bar, now_ms, all);
    pthread_mutex_unlock(&bar->lock);
    return all;
}

/* ---- changes ---- */

static void put(struct bar *bar, struct entry *entry, const struct entry *with)
{
    bool is_last = !with->is_pardon
                   && with->until_ms > atomic_load_explicit(&bar->last_ms, memory_order_relaxed);

    *entry = *with;
    bar->version++;
    if (is_last)
        atomic_store_explicit(&bar->last_ms, with->until_ms, memory_order_relaxed);
}

static enum bar_verdict begin(struct bar *bar, const struct barred_place *place,
                              const struct bar_now *now, bool is_dry, int64_t *out_until_s)
{
    const struct entry *before = find(bar, place);
    unsigned times = 1;

    if (before != NULL && counts(before, now->ms)) {
        *out_until_s = before->shown.until_s;
        return before->is_pardon ? BAR_PARDONED : BAR_ALREADY;
    }
    if (before != NULL && !before->is_pardon && now->ms < before->until_ms + DAY_MS)
        times = before->shown.times + 1;
    uint64_t seconds = duration_s(bar, times);
    const struct entry with = {
        .key = key_of(bar, place),
        .until_ms = now->ms + seconds * 1000,
        .shown = { *place, now->s, now->s + (int64_t)seconds, times },
    };
    *out_until_s = with.shown.until_s;
    if (!is_dry)
        put(bar, entry_of(bar, place), &with);
    return BAR_BEGUN;
}

enum bar_verdict bar_begin(struct bar *bar, const struct barred_place *place,
                           const struct bar_now *now, bool is_dry, int64_t *out_until_s)
{
    pthread_mutex_lock(&bar->lock);
    enum bar_verdict verdict = begin(bar, place, now, is_dry, out_until_s);
    pthread_mutex_unlock(&bar->lock);
    return verdict;
}

bool bar_pardon(struct bar *bar, const struct barred_place *place, uint32_t for_s,
                const struct bar_now *now)
{
    pthread_mutex_lock(&bar->lock);
    struct entry *entry = entry_of(bar, place);
    bool was_barred = entry->key == key_of(bar, place) && is_barred(entry, now->ms);
    put(bar, entry,
        &(struct entry){ .key = key_of(bar, place),
                         .until_ms = now->ms + (uint64_t)for_s * 1000,
                         .shown = { *place, now->s, now->s + (int64_t)for_s, 0 },
                         .is_pardon = true });
    pthread_mutex_unlock(&bar->lock);
    return was_barred;
}
