/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/lockout.h"

#include "daemon/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 8 /* entries among which the hash leaves the choice */

/* Zero is an empty one. */
struct entry {
    uint64_t key;
    uint64_t until_ms;   /* locked */
    uint64_t touched_ms; /* last wrong one, or last look */
    uint64_t tag;        /* of the last wrong one */
    uint32_t wrong;
    uint32_t looking; /* at the moment */
};

struct known {
    uint64_t key;
    uint64_t good_ms;
};

struct lockout {
    struct siphash_key key;
    struct entry *entries;
    struct known *known;
    size_t entry_sets;
    size_t known_sets;
    uint64_t looks_per_s;
    uint64_t budget; /* in thousandths of a look */
    uint64_t filled_ms;
};

static size_t sets_of(uint64_t bound)
{
    return bound / WAYS > 0 ? (size_t)(bound / WAYS) : 1;
}

struct lockout *lockout_new(const struct siphash_key *key, const struct lockout_bounds *bounds,
                            uint64_t now_ms)
{
    struct lockout *lockout = calloc(1, sizeof(*lockout));

    if (lockout == NULL)
        return NULL;
    *lockout = (struct lockout){
        .key = *key,
        .entry_sets = sets_of(bounds->places),
        .known_sets = sets_of(bounds->known),
        .looks_per_s = bounds->looks_per_s,
        .budget = bounds->looks_per_s * 2000,
        .filled_ms = now_ms,
    };
    lockout->entries = calloc(lockout->entry_sets * WAYS, sizeof(struct entry));
    lockout->known = calloc(lockout->known_sets * WAYS, sizeof(struct known));
    if (lockout->entries != NULL && lockout->known != NULL)
        return lockout;
    lockout_free(lockout);
    return NULL;
}

void lockout_free(struct lockout *lockout)
{
    if (lockout == NULL)
        return;
    free(lockout->entries);
    free(lockout->known);
    free(lockout);
}

void lockout_set_rate(struct lockout *lockout, uint64_t looks_per_s)
{
    lockout->looks_per_s = looks_per_s;
}

/* ---- what an attempt is ---- */

/* Never 0, which is nothing. Mixed one by one: no text can look like two. */
static uint64_t mix(const struct lockout *lockout, uint64_t before, struct mqtt_span bytes)
{
    uint64_t parts[2] = { before, siphash(&lockout->key, bytes) };
    uint64_t hash =
        siphash(&lockout->key, (struct mqtt_span){ (const uint8_t *)parts, sizeof(parts) });

    return hash != 0 ? hash : 1;
}

void lockout_describe(const struct lockout *lockout, const struct lockout_facts *facts,
                      struct lockout_try *out)
{
    uint8_t place[PLACE_BYTES];
    size_t len = place_of(facts->address, place);

    *out = (struct lockout_try){ .is_free = facts->is_free };
    out->place = mix(lockout, 1, (struct mqtt_span){ place, len });
    out->pair = mix(lockout, out->place, facts->account);
    if (facts->secret.len > 0)
        out->tag = mix(lockout, out->pair ^ facts->stamp, facts->secret);
}

/* ---- tables ---- */

static struct entry *find_entry(const struct lockout *lockout, uint64_t key)
{
    struct entry *set = lockout->entries + key % lockout->entry_sets * WAYS;

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key == key)
            return &set[i];
    }
    return NULL;
}

/* What would be missed least: the empty, then the longest untouched of those not in use. */
static bool is_worth_less(const struct entry *a, const struct entry *b)
{
    if ((a->looking == 0) != (b->looking == 0))
        return a->looking == 0;
    return a->touched_ms < b->touched_ms;
}

static struct entry *make_entry(struct lockout *lockout, uint64_t key, uint64_t now_ms)
{
    struct entry *found = find_entry(lockout, key);
    struct entry *set = lockout->entries + key % lockout->entry_sets * WAYS;

    if (found == NULL) {
        found = &set[0];
        for (unsigned i = 0; i < WAYS && found->key != 0; i++) {
            if (set[i].key == 0 || is_worth_less(&set[i], found))
                found = &set[i];
        }
        *found = (struct entry){ .key = key, .touched_ms = now_ms };
    } else if (found->wrong > 0 && now_ms > found->until_ms + LOCKOUT_FORGET_MS
               && now_ms > found->touched_ms + LOCKOUT_FORGET_MS) {
        found->wrong = 0;
        found->until_ms = 0;
        found->tag = 0;
    }
    return found;
}

static bool is_known(const struct lockout *lockout, uint64_t pair, uint64_t now_ms)
{
    const struct known *set = lockout->known + pair % lockout->known_sets * WAYS;

    for (unsigned i = 0; i < WAYS; i++) {
        if (set[i].key == pair)
            return now_ms - set[i].good_ms < LOCKOUT_KNOWN_MS;
    }
    return false;
}

static void remember(struct lockout *lockout, uint64_t pair, uint64_t now_ms)
{
    struct known *set = lockout->known + pair % lockout->known_sets * WAYS;
    struct known *place = &set[0];

    for (unsigned i = 0; i < WAYS && place->key != pair; i++) {
        if (set[i].key == pair || set[i].good_ms < place->good_ms)
            place = &set[i];
    }
    *place = (struct known){ pair, now_ms };
}

/* ---- verdicts ---- */

static enum lockout_verdict judge(const struct entry *entry, uint64_t now_ms)
{
    if (now_ms < entry->until_ms)
        return LOCKOUT_LATER;
    if (entry->wrong >= LOCKOUT_FREE)
        return entry->looking == 0 ? LOCKOUT_GO : LOCKOUT_BUSY;
    return entry->wrong + entry->looking < LOCKOUT_FREE ? LOCKOUT_GO : LOCKOUT_BUSY;
}

static bool spend(struct lockout *lockout, uint64_t now_ms)
{
    uint64_t most = lockout->looks_per_s * 2000;
    uint64_t passed_ms = now_ms - lockout->filled_ms;

    lockout->filled_ms = now_ms;
    lockout->budget += passed_ms < 10000 ? passed_ms * lockout->looks_per_s : most;
    if (lockout->budget > most)
        lockout->budget = most;
    if (lockout->budget < 1000)
        return false;
    lockout->budget -= 1000;
    return true;
}

enum lockout_verdict lockout_ask(struct lockout *lockout, struct lockout_try *attempt,
                                 uint64_t now_ms)
{
    struct entry *place = make_entry(lockout, attempt->place, now_ms);
    const struct entry *pair = find_entry(lockout, attempt->pair);
    enum lockout_verdict verdict = LOCKOUT_GO;

    if (pair != NULL && attempt->tag != 0 && pair->tag == attempt->tag)
        return LOCKOUT_REPEAT;
    attempt->is_known = is_known(lockout, attempt->pair, now_ms);
    if (!attempt->is_known)
        verdict = judge(place, now_ms);
    if (verdict == LOCKOUT_GO && pair != NULL)
        verdict = judge(pair, now_ms);
    if (verdict == LOCKOUT_GO && !attempt->is_known && !attempt->is_free && !spend(lockout, now_ms))
        verdict = LOCKOUT_BUSY;
    if (verdict != LOCKOUT_GO)
        return verdict;
    place->looking++;
    make_entry(lockout, attempt->pair, now_ms)->looking++;
    return LOCKOUT_GO;
}

static void book(struct entry *entry, uint64_t tag, uint64_t now_ms)
{
    unsigned over = 0;

    entry->wrong++;
    entry->touched_ms = now_ms;
    entry->tag = tag;
    if (entry->wrong < LOCKOUT_FREE)
        return;
    over = entry->wrong - LOCKOUT_FREE;
    entry->until_ms =
        now_ms + (over < 5 ? (uint64_t)LOCKOUT_FIRST_MS << over : (uint64_t)LOCKOUT_MOST_MS);
}

uint64_t lockout_settle(struct lockout *lockout, const struct lockout_try *attempt,
                        enum lockout_outcome outcome, uint64_t now_ms)
{
    struct entry *place = make_entry(lockout, attempt->place, now_ms);
    /* The place may have been needed in the same set: then it has another key now. */
    place->looking -= place->looking > 0 ? 1 : 0;
    if (outcome == LOCKOUT_WRONG)
        book(place, 0, now_ms);
    uint64_t place_until_ms = place->until_ms;

    struct entry *pair = make_entry(lockout, attempt->pair, now_ms);
    pair->looking -= pair->looking > 0 ? 1 : 0;
    if (outcome == LOCKOUT_WRONG)
        book(pair, attempt->tag, now_ms);
    if (outcome == LOCKOUT_RIGHT) {
        pair->wrong = 0;
        pair->until_ms = 0;
        pair->tag = 0;
        remember(lockout, attempt->pair, now_ms);
    }
    uint64_t until_ms = place_until_ms > pair->until_ms ? place_until_ms : pair->until_ms;
    return outcome == LOCKOUT_WRONG && until_ms > now_ms ? until_ms - now_ms : 0;
}
