/* SPDX-License-Identifier: Apache-2.0 */
#include "net/porch.h"

#include "base/invariant.h"
#include "core/shared.h"

#include <stdlib.h>
#include <string.h>

#define WAYS 8 /* known addresses among which the hash leaves the choice */

/* Each shard may be so many above the bound, until those who are to go are chosen. */
#define SPARE (SHARDS_MAX * (PORCH_ASKED_MOST + 1))

#define PORCH_SHARDS 256 /* as many as a guest's number of its shard can name */

/* The guests of one address, or of one network. Free when it has none. */
struct crowd {
    uint64_t key;
    uint32_t next; /* in its bucket, or among the free; 0: none */
    uint32_t count;
    uint32_t network; /* of an address: the crowd it is part of */
};

struct guest {
    uint32_t crowd; /* of its address; 0: it has none. Free: the next free one */
    uint32_t bytes;
    bool is_known;
    bool is_here;
    uint8_t shard;
};

struct known {
    uint64_t key; /* 0: none */
    uint64_t seen_ms;
};

struct porch {
    struct siphash_key hash_key;
    struct shared_lock lock;
    struct limits limits;
    struct porch_figures figures;
    size_t capacity;    /* guests */
    size_t bucket_mask; /* buckets - 1 */
    size_t known_sets;
    uint32_t free_guest; /* 0: none but those that nobody was in yet */
    uint32_t free_crowd;
    uint32_t guests_begun; /* so many of them somebody was in: the others were never touched, and */
    uint32_t crowds_begun; /* take no memory */
    struct guest *guests;  /* [0] is nobody */
    struct crowd *crowds;  /* [0] is none */
    uint32_t *buckets;     /* the first crowd of each */
    struct known *known;
    uint64_t held[PORCH_WANTS][PORCH_SHARDS]; /* by each shard */
};

static void lock(struct porch *porch)
{
    if (porch->lock.lock != NULL)
        porch->lock.lock(porch->lock.context);
}

static void unlock(struct porch *porch)
{
    if (porch->lock.unlock != NULL)
        porch->lock.unlock(porch->lock.context);
}

/* ---- life ---- */

static size_t power_of_two_from(size_t least)
{
    size_t size = 1;

    while (size < least)
        size *= 2;
    return size;
}

static bool allocate(struct porch *porch)
{
    size_t crowds = 2 * porch->capacity;

    porch->bucket_mask = power_of_two_from(crowds) - 1;
    porch->guests = calloc(porch->capacity + 1, sizeof(porch->guests[0]));
    porch->crowds = calloc(crowds + 1, sizeof(porch->crowds[0]));
    porch->buckets = calloc(porch->bucket_mask + 1, sizeof(porch->buckets[0]));
    porch->known = calloc(porch->known_sets * WAYS, sizeof(porch->known[0]));
    if (porch->guests == NULL || porch->crowds == NULL || porch->buckets == NULL
        || porch->known == NULL)
        return false;
    return true;
}

struct porch *porch_new(const struct siphash_key *key, const struct shared_lock *lock,
                        const struct limits *limits)
{
    struct porch *porch = calloc(1, sizeof(*porch));

    if (porch == NULL)
        return NULL;
    porch->hash_key = *key;
    porch->lock = *lock;
    porch->limits = *limits;
    porch->capacity = (size_t)limits->unproved + SPARE;
    porch->known_sets = (size_t)limits->known_addresses / WAYS + 1;
    if (allocate(porch))
        return porch;
    porch_free(porch);
    return NULL;
}

void porch_free(struct porch *porch)
{
    if (porch == NULL)
        return;
    free(porch->guests);
    free(porch->crowds);
    free(porch->buckets);
    free(porch->known);
    free(porch);
}

void porch_set_limits(struct porch *porch, const struct limits *limits)
{
    lock(porch);
    porch->limits = *limits;
    if (porch->limits.unproved > porch->capacity - SPARE)
        porch->limits.unproved = porch->capacity - SPARE;
    unlock(porch);
}

/* ---- crowds ---- */

/* Never 0, which is nothing. An address and a network of the same bytes are two things. */
static uint64_t key_of(const struct porch *porch, const struct porch_place *place, uint8_t len)
{
    uint8_t bytes[9] = { len };

    memcpy(bytes + 1, place->bytes, len);
    uint64_t key = siphash(&porch->hash_key, (struct mqtt_span){ bytes, (size_t)len + 1 });
    return key != 0 ? key : 1;
}

/* The place in the chain where the key is, or would be. */
static uint32_t *link_of(const struct porch *porch, uint64_t key)
{
    uint32_t *link = &porch->buckets[key & porch->bucket_mask];

    while (*link != 0 && porch->crowds[*link].key != key)
        link = &porch->crowds[*link].next;
    return link;
}

static uint32_t take_crowd(struct porch *porch)
{
    uint32_t index = porch->free_crowd;

    if (index == 0) {
        MQTT_INVARIANT(porch->crowds_begun < 2 * porch->capacity);
        return ++porch->crowds_begun;
    }
    porch->free_crowd = porch->crowds[index].next;
    return index;
}

/* One more in the crowd of that key. There is room: two crowds for each guest. */
static uint32_t join(struct porch *porch, uint64_t key)
{
    uint32_t *link = link_of(porch, key);

    if (*link == 0) {
        uint32_t fresh = take_crowd(porch);
        porch->crowds[fresh] = (struct crowd){ .key = key };
        *link = fresh;
    }
    porch->crowds[*link].count++;
    return *link;
}

static void part(struct porch *porch, uint32_t index)
{
    struct crowd *crowd = &porch->crowds[index];

    crowd->count--;
    if (crowd->count > 0)
        return;
    uint32_t *link = link_of(porch, crowd->key);
    *link = crowd->next;
    crowd->next = porch->free_crowd;
    porch->free_crowd = index;
}

static uint64_t count_of(const struct porch *porch, uint64_t key)
{
    return porch->crowds[*link_of(porch, key)].count; /* of crowd 0: none */
}

/* ---- known addresses ---- */

static struct known *set_of(const struct porch *porch, uint64_t key)
{
    return &porch->known[key % porch->known_sets * WAYS];
}

static bool is_known(const struct porch *porch, uint64_t key, uint64_t now_ms)
{
    const struct known *set = set_of(porch, key);

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return now_ms - set[i].seen_ms < PORCH_KNOWN_MS;
    }
    return false;
}

bool porch_knows(struct porch *porch, const struct porch_place *place, uint64_t now_ms)
{
    lock(porch);
    bool knows = is_known(porch, key_of(porch, place, place->len), now_ms);
    unlock(porch);
    return knows;
}

/* In its own place, or in that of the one that was seen longest ago. */
static void remember(struct porch *porch, uint64_t key, uint64_t now_ms)
{
    struct known *set = set_of(porch, key);
    size_t place = 0;

    for (size_t i = 0; i < WAYS; i++) {
        if (set[i].key == key) {
            place = i;
            break;
        }
        if (set[i].seen_ms < set[place].seen_ms || set[i].key == 0)
            place = set[place].key == 0 ? place : i;
    }
    set[place] = (struct known){ key, now_ms };
}

/* ---- guests ---- */

static enum porch_verdict judge(const struct porch *porch, uint64_t address, uint64_t network,
                                bool known)
{
    uint64_t times = known ? PORCH_KNOWN_TIMES : 1;

    if (count_of(porch, address) >= porch->limits.unproved_per_address * times)
        return PORCH_ADDRESS;
    if (!known && count_of(porch, network) >= porch->limits.unproved_per_network)
        return PORCH_NETWORK;
    return PORCH_IN;
}

static uint32_t take_guest(struct porch *porch, struct guest given)
{
    uint32_t index = porch->free_guest;

    if (index == 0)
        index = ++porch->guests_begun;
    else
        porch->free_guest = porch->guests[index].crowd;
    porch->guests[index] = given;
    porch->held[PORCH_PLACES][given.shard]++;
    porch->figures.guests++;
    if (porch->figures.guests > porch->figures.most)
        porch->figures.most = porch->figures.guests;
    return index;
}

static enum porch_verdict enter(struct porch *porch, const struct porch_place *place,
                                uint64_t now_ms, uint32_t *out_guest)
{
    struct guest guest = { .is_known = true, .is_here = true };

    if (porch->free_guest == 0 && porch->guests_begun == porch->capacity)
        return PORCH_FULL;
    if (place->len > 0) {
        uint64_t address = key_of(porch, place, place->len);
        uint64_t network = key_of(porch, place, place->network_len);
        guest.is_known = is_known(porch, address, now_ms);
        enum porch_verdict verdict = judge(porch, address, network, guest.is_known);
        if (verdict != PORCH_IN)
            return verdict;
        guest.crowd = join(porch, address);
        porch->crowds[guest.crowd].network = join(porch, network);
    }
    *out_guest = take_guest(porch, guest);
    return porch->figures.guests > porch->limits.unproved ? PORCH_OVER : PORCH_IN;
}

enum porch_verdict porch_enter(struct porch *porch, const struct porch_place *place,
                               uint64_t now_ms, uint32_t *out_guest)
{
    lock(porch);
    enum porch_verdict verdict = enter(porch, place, now_ms, out_guest);
    unlock(porch);
    return verdict;
}

static struct guest *guest_of(const struct porch *porch, uint32_t index)
{
    MQTT_INVARIANT(index <= porch->capacity && porch->guests[index].is_here);
    return &porch->guests[index];
}

static void count_bytes(struct porch *porch, struct guest *guest, uint32_t bytes)
{
    uint64_t more = (uint64_t)bytes - guest->bytes; /* or less: it wraps both times */

    porch->figures.bytes += more;
    porch->held[PORCH_BYTES][guest->shard] += more;
    guest->bytes = bytes;
}

bool porch_hold(struct porch *porch, uint32_t index, uint32_t bytes)
{
    lock(porch);
    struct guest *guest = guest_of(porch, index);
    bool is_more = bytes > guest->bytes;
    count_bytes(porch, guest, bytes);
    bool is_within = !is_more || porch->figures.bytes <= porch->limits.unproved_bytes;
    unlock(porch);
    return is_within;
}

void porch_leave(struct porch *porch, uint32_t index, bool is_let_in, uint64_t now_ms)
{
    lock(porch);
    struct guest *guest = guest_of(porch, index);
    if (guest->crowd != 0) {
        const struct crowd *crowd = &porch->crowds[guest->crowd];
        uint32_t network = crowd->network;
        if (is_let_in)
            remember(porch, crowd->key, now_ms);
        part(porch, guest->crowd);
        part(porch, network);
    }
    count_bytes(porch, guest, 0);
    porch->held[PORCH_PLACES][guest->shard]--;
    porch->figures.guests--;
    *guest = (struct guest){ .crowd = porch->free_guest };
    porch->free_guest = index;
    unlock(porch);
}

/* ---- who is served first, and who goes ---- */

/* Guests of its network; 0 for the known. */
static uint64_t weight_of(const struct porch *porch, const struct guest *guest)
{
    if (guest->is_known)
        return 0;
    return porch->crowds[porch->crowds[guest->crowd].network].count;
}

static enum porch_standing standing_of(const struct porch *porch, const struct guest *guest)
{
    uint64_t weight = weight_of(porch, guest);

    if (weight == 0)
        return PORCH_KNOWN;
    return weight <= PORCH_QUIET ? PORCH_STILL : PORCH_CROWD;
}

enum porch_standing porch_standing(struct porch *porch, uint32_t index)
{
    lock(porch);
    enum porch_standing standing = standing_of(porch, guest_of(porch, index));
    unlock(porch);
    return standing;
}

void porch_move(struct porch *porch, uint32_t index, unsigned shard)
{
    lock(porch);
    struct guest *guest = guest_of(porch, index);
    uint32_t bytes = guest->bytes;
    count_bytes(porch, guest, 0);
    porch->held[PORCH_PLACES][guest->shard]--;
    guest->shard = (uint8_t)shard;
    porch->held[PORCH_PLACES][guest->shard]++;
    count_bytes(porch, guest, bytes);
    unlock(porch);
}

static unsigned fullest(const uint64_t held[PORCH_SHARDS], unsigned own)
{
    unsigned giver = own;

    for (unsigned i = 0; i < PORCH_SHARDS; i++)
        giver = held[i] > held[giver] ? i : giver;
    return giver;
}

unsigned porch_giver(struct porch *porch, uint32_t index, enum porch_want want)
{
    lock(porch);
    const struct guest *guest = guest_of(porch, index);
    unsigned giver = guest->shard;
    if (standing_of(porch, guest) != PORCH_CROWD)
        giver = fullest(porch->held[want], giver);
    unlock(porch);
    return giver;
}

bool porch_is_over(struct porch *porch, enum porch_want want)
{
    lock(porch);
    bool is_over = want == PORCH_PLACES ? porch->figures.guests > porch->limits.unproved
                                        : porch->figures.bytes > porch->limits.unproved_bytes;
    unlock(porch);
    return is_over;
}

bool porch_bars(struct porch *porch, uint32_t index)
{
    lock(porch);
    bool is_barred = porch->figures.guests > PORCH_SHORT_MOST && !guest_of(porch, index)->is_known;
    unlock(porch);
    return is_barred;
}

bool porch_is_crowded(struct porch *porch)
{
    lock(porch);
    bool is_crowded = porch->figures.guests * 4 >= porch->limits.unproved * 3;
    unlock(porch);
    return is_crowded;
}

size_t porch_choose(struct porch *porch, const uint32_t *guests, size_t count)
{
    size_t chosen = 0;
    uint64_t most = 0;

    lock(porch);
    for (size_t i = 0; i < count; i++) {
        uint64_t weight = weight_of(porch, guest_of(porch, guests[i]));
        if (weight > most) {
            chosen = i;
            most = weight;
        }
    }
    unlock(porch);
    return chosen;
}

struct porch_figures porch_figures(struct porch *porch)
{
    lock(porch);
    struct porch_figures figures = porch->figures;
    unlock(porch);
    return figures;
}
