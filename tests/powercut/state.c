/* SPDX-License-Identifier: Apache-2.0 */
#include "powercut/state.h"

#include "core/journal_op.h"

#include <stdlib.h>
#include <string.h>

uint64_t state_hash_bytes(struct mqtt_span bytes)
{
    uint64_t hash = 0xcbf29ce484222325u;

    for (size_t i = 0; i < bytes.len; i++)
        hash = (hash ^ bytes.data[i]) * 0x100000001b3u;
    return hash ^ bytes.len;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

uint64_t state_hash_thing(uint64_t key, uint64_t bytes_hash, uint64_t body_key, uint64_t body_hash)
{
    return mix(mix(mix(mix(1, key), bytes_hash), body_key), body_hash);
}

/* Where the key is, or belongs. */
static size_t place_of(const struct state *state, uint64_t key)
{
    size_t low = 0;
    size_t high = state->count;

    while (low < high) {
        size_t middle = (low + high) / 2;
        if (state->things[middle].key < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct thing *find(const struct state *state, uint64_t key)
{
    size_t at = place_of(state, key);

    return at < state->count && state->things[at].key == key ? &state->things[at] : NULL;
}

const struct thing *state_find(const struct state *state, uint64_t key)
{
    return find(state, key);
}

static void have_room(struct state *state)
{
    if (state->count < state->capacity)
        return;
    state->capacity = state->capacity > 0 ? 2 * state->capacity : 64;
    state->things = realloc(state->things, state->capacity * sizeof(*state->things));
    if (state->things == NULL)
        abort();
}

void state_add(struct state *state, const struct thing *thing)
{
    have_room(state);
    state->things[state->count++] = *thing;
    state->sum += thing->hash;
}

static struct thing *insert(struct state *state, uint64_t key)
{
    size_t at = place_of(state, key);

    have_room(state);
    memmove(&state->things[at + 1], &state->things[at],
            (state->count++ - at) * sizeof(*state->things));
    state->things[at] = (struct thing){ .key = key };
    state->bodies += journal_kind_of(key) == JOURNAL_BODY;
    return &state->things[at];
}

static void take_out(struct state *state, uint64_t key)
{
    size_t at = place_of(state, key);

    state->sum -= state->things[at].hash;
    state->bytes -= state->things[at].len;
    state->bodies -= journal_kind_of(key) == JOURNAL_BODY;
    memmove(&state->things[at], &state->things[at + 1],
            (--state->count - at) * sizeof(*state->things));
}

static void release_body(struct state *state, uint64_t key)
{
    struct thing *body = key != 0 ? find(state, key) : NULL;

    if (body != NULL && --body->users == 0)
        take_out(state, key);
}

static void put(struct state *state, const struct journal_op *op)
{
    struct thing *thing = find(state, op->key);
    struct thing *body = op->body != 0 ? find(state, op->body) : NULL;
    uint64_t body_hash = 0;
    uint64_t old_body = 0;

    if (op->body != 0) {
        if (body == NULL)
            abort(); /* the workload forgot a body */
        body->users++;
        body_hash = body->bytes;
    }
    if (thing == NULL)
        thing = insert(state, op->key);
    old_body = thing->body;
    state->sum -= thing->hash;
    state->bytes += op->bytes.len - thing->len;
    thing->len = (uint32_t)op->bytes.len;
    thing->body = op->body;
    thing->bytes = state_hash_bytes(op->bytes);
    if (journal_kind_of(op->key) != JOURNAL_BODY)
        thing->hash = state_hash_thing(op->key, thing->bytes, op->body, body_hash);
    state->sum += thing->hash;
    release_body(state, old_body);
}

static void drop(struct state *state, uint64_t key)
{
    const struct thing *thing = find(state, key);

    if (thing == NULL)
        return;
    uint64_t body = thing->body;
    take_out(state, key);
    release_body(state, body);
}

void state_apply(struct state *state, struct mqtt_span ops)
{
    struct journal_op op;
    int found;

    for (found = journal_op_next(&ops, &op); found == 1; found = journal_op_next(&ops, &op)) {
        if (op.verb == JOURNAL_PUT)
            put(state, &op);
        else
            drop(state, op.key);
    }
    if (found < 0)
        abort();
}

void state_copy(const struct state *from, struct state *to)
{
    struct thing *things = to->things;
    size_t capacity = to->capacity;

    if (capacity < from->count) {
        capacity = from->count;
        things = realloc(things, capacity * sizeof(*things));
        if (things == NULL)
            abort();
    }
    if (from->count > 0)
        memcpy(things, from->things, from->count * sizeof(*things));
    *to = *from;
    to->things = things;
    to->capacity = capacity;
}

void state_fini(struct state *state)
{
    free(state->things);
    *state = (struct state){ 0 };
}
