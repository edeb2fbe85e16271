/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sightings.h"

#include "core/shared_state.h"

#include <stdlib.h>
#include <string.h>

struct turn {
    uint64_t at_ms;
    uint64_t place; /* hash of it */
};

/* A key that at least one connection has. */
struct seen_key {
    struct bytes_node node;
    struct list sightings;              /* the oldest first */
    struct turn turns[SIGHTINGS_TURNS]; /* the latest last; at_ms 0: none */
    uint8_t key[];
};

struct sighting {
    struct list in_key;
    struct seen_key *of;
    uint64_t number;
    unsigned shard;
    enum sighting_state state;
    struct mqtt_span place;
    struct mqtt_span note;
    struct mqtt_span client_id;
    uint8_t bytes[];
};

static struct sighting *sighting_of(struct list *link)
{
    return MQTT_CONTAINER_OF(link, struct sighting, in_key);
}

static struct mqtt_span copy(uint8_t **at, struct mqtt_span from)
{
    struct mqtt_span to = { *at, from.len };

    if (from.len > 0)
        memcpy(*at, from.data, from.len);
    *at += from.len;
    return to;
}

/* ---- coming and going ---- */

static struct seen_key *key_find_or_add(struct shared *shared, struct mqtt_span key)
{
    struct bytes_node *node = bytes_map_find(&shared->keys, key);

    if (node != NULL)
        return MQTT_CONTAINER_OF(node, struct seen_key, node);
    struct seen_key *seen = calloc(1, sizeof(*seen) + key.len);
    if (seen == NULL)
        return NULL;
    memcpy(seen->key, key.data, key.len);
    seen->node.key = (struct mqtt_span){ seen->key, key.len };
    list_init(&seen->sightings);
    if (bytes_map_insert(&shared->keys, &seen->node) == 0)
        return seen;
    free(seen);
    return NULL;
}

static struct sighting *sighting_new(const struct credential *credential,
                                     struct mqtt_span client_id)
{
    size_t bytes = credential->place.len + credential->note.len + client_id.len;
    struct sighting *sighting = calloc(1, sizeof(*sighting) + bytes);

    if (sighting == NULL)
        return NULL;
    uint8_t *at = sighting->bytes;
    sighting->place = copy(&at, credential->place);
    sighting->note = copy(&at, credential->note);
    sighting->client_id = copy(&at, client_id);
    return sighting;
}

struct sighting *sightings_enter(struct shared *shared, unsigned shard,
                                 const struct credential *credential, struct mqtt_span client_id)
{
    struct sighting *sighting = sighting_new(credential, client_id);

    if (sighting == NULL)
        return NULL;
    sighting->shard = shard;
    shared_enter(shared);
    sighting->of = key_find_or_add(shared, credential->key);
    if (sighting->of != NULL) {
        sighting->number = ++shared->sighting_number;
        list_push_back(&sighting->of->sightings, &sighting->in_key);
    }
    shared_exit(shared);
    if (sighting->of != NULL)
        return sighting;
    free(sighting);
    return NULL;
}

void sightings_leave(struct shared *shared, struct sighting *sighting)
{
    if (sighting == NULL)
        return;
    shared_enter(shared);
    struct seen_key *seen = sighting->of;
    list_unlink(&sighting->in_key);
    if (list_is_empty(&seen->sightings)) {
        bytes_map_remove(&shared->keys, &seen->node);
        free(seen);
    }
    shared_exit(shared);
    free(sighting);
}

uint64_t sightings_number(const struct sighting *sighting)
{
    return sighting->number;
}

void sightings_set_state(struct shared *shared, struct sighting *sighting,
                         enum sighting_state state)
{
    shared_enter(shared);
    sighting->state = state;
    shared_exit(shared);
}

/* ---- others of the same key; under the lock ---- */

static bool is_same_id(const struct sighting *a, const struct sighting *b)
{
    return a->client_id.len > 0 && span_equal(a->client_id, b->client_id);
}

static bool contends(const struct sighting *mine, const struct sighting *other)
{
    if (other->number >= mine->number || other->state == SIGHTING_HELD
        || other->state == SIGHTING_DISMISSED)
        return false;
    return is_same_id(mine, other) || !span_equal(mine->place, other->place);
}

static bool is_in(const struct sighting *mine, const struct sighting *other)
{
    return other != mine && other->state == SIGHTING_IN;
}

static size_t collect(struct shared *shared, const struct sighting *mine,
                      bool (*counts)(const struct sighting *mine, const struct sighting *other),
                      struct sighting_ref *out, size_t most)
{
    size_t count = 0;

    shared_enter(shared);
    list_for_each (link, &mine->of->sightings) {
        const struct sighting *other = sighting_of(link);

        if (count == most)
            break;
        if (counts(mine, other))
            out[count++] = (struct sighting_ref){ other->number, other->shard };
    }
    shared_exit(shared);
    return count;
}

size_t sightings_meet(struct shared *shared, const struct sighting *sighting,
                      struct sighting_ref *out, size_t most)
{
    return collect(shared, sighting, contends, out, most);
}

size_t sightings_list(struct shared *shared, const struct sighting *sighting,
                      struct sighting_ref *out, size_t most)
{
    return collect(shared, sighting, is_in, out, most);
}

static struct sighting *find(const struct sighting *mine, uint64_t number)
{
    list_for_each (link, &mine->of->sightings) {
        if (sighting_of(link)->number == number)
            return sighting_of(link);
    }
    return NULL;
}

bool sightings_dismiss(struct shared *shared, const struct sighting *sighting, uint64_t number)
{
    bool is_same = false;

    shared_enter(shared);
    struct sighting *other = find(sighting, number);
    if (other != NULL) {
        other->state = SIGHTING_DISMISSED;
        is_same = is_same_id(sighting, other);
    }
    shared_exit(shared);
    return is_same;
}

size_t sightings_count_held(struct shared *shared, const struct sighting *sighting)
{
    size_t count = 0;

    shared_enter(shared);
    list_for_each (link, &sighting->of->sightings)
        count += sighting_of(link)->state == SIGHTING_HELD ? 1 : 0;
    shared_exit(shared);
    return count;
}

/* ---- back and forth ---- */

/* A, B, A, B: every other one is from the same place, and neighbours are not. */
static bool alternates(const struct turn *turns, uint64_t now_ms)
{
    if (turns[0].at_ms == 0 || turns[0].place == turns[1].place
        || now_ms - turns[0].at_ms > SIGHTINGS_TURNS_MS)
        return false;
    for (unsigned i = 2; i < SIGHTINGS_TURNS; i++) {
        if (turns[i].place != turns[i - 2].place)
            return false;
    }
    return true;
}

static void push(struct turn *turns, uint64_t place, uint64_t at_ms)
{
    memmove(turns, turns + 1, (SIGHTINGS_TURNS - 1) * sizeof(*turns));
    turns[SIGHTINGS_TURNS - 1] = (struct turn){ .at_ms = at_ms, .place = place };
}

bool sightings_take_turn(struct shared *shared, const struct sighting *sighting, uint64_t now_ms)
{
    uint64_t place = bytes_map_hash(&shared->keys, sighting->place);

    shared_enter(shared);
    struct turn *turns = sighting->of->turns;
    push(turns, place, now_ms);
    bool result = alternates(turns, now_ms);
    if (result)
        memset(turns, 0, sizeof(sighting->of->turns)); /* told once */
    shared_exit(shared);
    return result;
}

/* ---- for an event ---- */

struct sighting_pair *sightings_describe(struct shared *shared, const struct sighting *sighting,
                                         uint64_t other)
{
    static const struct sighting nobody;

    shared_enter(shared);
    const struct sighting *there = find(sighting, other);
    if (there == NULL)
        there = &nobody;
    struct mqtt_span key = sighting->of->node.key;
    struct sighting_pair *pair =
        calloc(1, sizeof(*pair) + key.len + sighting->client_id.len + sighting->note.len
                      + there->client_id.len + there->note.len);
    if (pair != NULL) {
        uint8_t *at = pair->bytes;
        pair->client_id = copy(&at, sighting->client_id);
        pair->clone.key = copy(&at, key);
        pair->clone.note = copy(&at, sighting->note);
        pair->clone.other_note = copy(&at, there->note);
        pair->clone.other_client_id = copy(&at, there->client_id);
    }
    shared_exit(shared);
    return pair;
}
