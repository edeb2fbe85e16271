/* SPDX-License-Identifier: Apache-2.0 */
#include "powercut/workload.h"

#include "base/attrs.h"
#include "core/journal_op.h"

#include <stdlib.h>
#include <string.h>

#define SESSIONS 12u
#define TOPICS   20u
#define RECEIVED 40u

/* A frame on its way. */
struct draft {
    struct workload *workload;
    struct model *model;
    uint8_t *ops;
    size_t len;
    size_t capacity;
};

static size_t below(struct draft *draft, size_t bound)
{
    return test_random_below(draft->workload->random, bound);
}

static uint8_t *room(struct draft *draft, size_t len)
{
    if (draft->capacity - draft->len < len) {
        draft->capacity = 2 * draft->capacity + len;
        draft->ops = realloc(draft->ops, draft->capacity);
        if (draft->ops == NULL)
            abort();
    }
    return draft->ops + draft->len;
}

/* What was added is true at once, so that the next operation can build on it. */
static void take_effect(struct draft *draft, size_t len)
{
    state_apply(&draft->model->now, (struct mqtt_span){ draft->ops + draft->len, len });
    draft->len += len;
}

static void put(struct draft *draft, uint64_t key, uint64_t body, size_t len)
{
    uint8_t *at = room(draft, JOURNAL_PUT_BYTES + len);
    uint64_t pattern = ++draft->workload->stamp * 0x9e3779b97f4a7c15u;

    at = journal_put_head(at, key, body, (uint32_t)len);
    for (size_t i = 0; i < len; i++)
        at[i] = (uint8_t)(pattern >> i % 8 * 8) ^ (uint8_t)(i / 256);
    take_effect(draft, JOURNAL_PUT_BYTES + len);
}

static void drop(struct draft *draft, uint64_t key)
{
    (void)journal_drop(room(draft, JOURNAL_DROP_BYTES), key);
    take_effect(draft, JOURNAL_DROP_BYTES);
}

/* Mostly small, as messages are. */
static size_t some_bytes(struct draft *draft)
{
    size_t chance = below(draft, 100);

    if (chance < 60)
        return 8 + below(draft, 300);
    if (chance < 85)
        return 8 + below(draft, 3000);
    if (chance < 98)
        return 8 + below(draft, 12000);
    return 8 + below(draft, draft->workload->big_bytes);
}

/* A living thing of this kind; NULL: none was hit. */
static const struct thing *any_of(struct draft *draft, enum journal_kind kind)
{
    const struct state *now = &draft->model->now;

    for (unsigned tries = 0; tries < 12 && now->count > 0; tries++) {
        const struct thing *thing = &now->things[below(draft, now->count)];
        if (journal_kind_of(thing->key) == kind)
            return thing;
    }
    return NULL;
}

static uint64_t new_body(struct draft *draft)
{
    uint64_t body = journal_key(JOURNAL_BODY, ++draft->workload->number);

    put(draft, body, 0, some_bytes(draft));
    return body;
}

static void deliver(struct draft *draft, uint64_t body)
{
    for (size_t n = 1 + below(draft, 4); n > 0; n--)
        put(draft, journal_key(JOURNAL_DELIVERY, ++draft->workload->number), body, 26);
}

static void publish(struct draft *draft)
{
    uint64_t body = new_body(draft);

    if (below(draft, 6) == 0)
        put(draft, journal_key(JOURNAL_PARCEL, ++draft->workload->number), body, 30);
    else
        deliver(draft, body);
}

static void unpack(struct draft *draft)
{
    const struct thing *parcel = any_of(draft, JOURNAL_PARCEL);

    if (parcel == NULL)
        return;
    uint64_t key = parcel->key;
    deliver(draft, parcel->body);
    drop(draft, key);
}

/* It goes out, it is acknowledged, it is gone. */
static void advance(struct draft *draft)
{
    const struct thing *delivery = any_of(draft, JOURNAL_DELIVERY);
    size_t chance = below(draft, 10);

    if (delivery == NULL)
        return;
    if (chance < 2)
        put(draft, delivery->key, delivery->body, 26);
    else if (chance < 3)
        put(draft, delivery->key, 0, 26);
    else
        drop(draft, delivery->key);
}

static void change_named(struct draft *draft)
{
    static const struct {
        enum journal_kind kind;
        unsigned count;
    } kinds[] = { { JOURNAL_SESSION, SESSIONS },
                  { JOURNAL_SUBSCRIPTION, 3 * SESSIONS },
                  { JOURNAL_WILL, SESSIONS },
                  { JOURNAL_RECEIVED, RECEIVED },
                  { JOURNAL_RETAINED, TOPICS } };
    size_t row = below(draft, MQTT_ARRAY_LEN(kinds));
    uint64_t key = journal_key(kinds[row].kind, 1 + below(draft, kinds[row].count));

    /* A DROP of what is not there is no mistake: it changes nothing. */
    if (below(draft, 3) == 0)
        drop(draft, key);
    else
        put(draft, key, 0, kinds[row].kind == JOURNAL_RECEIVED ? 1 : some_bytes(draft));
    if (below(draft, 10) == 0)
        drop(draft, key);
}

static void make_room(struct draft *draft)
{
    const struct state *now = &draft->model->now;

    for (unsigned n = 0; n < 8 && now->count > 0; n++) {
        uint64_t key = now->things[below(draft, now->count)].key;
        if (journal_kind_of(key) != JOURNAL_BODY)
            drop(draft, key);
    }
}

static void change_something(struct draft *draft)
{
    size_t chance = below(draft, 100);

    if (draft->model->now.bytes > draft->workload->most_bytes)
        make_room(draft);
    else if (chance < 35)
        publish(draft);
    else if (chance < 70)
        advance(draft);
    else if (chance < 78)
        unpack(draft);
    else
        change_named(draft);
}

struct store_frame *workload_frame(struct workload *workload, struct model *model)
{
    struct draft draft = { .workload = workload, .model = model };

    for (size_t n = 1 + below(&draft, 5); n > 0 || draft.len == 0; n -= n > 0) {
        if (workload->only_drops) {
            make_room(&draft);
            if (draft.len == 0)
                drop(&draft, journal_key(JOURNAL_SESSION, 1));
        } else {
            change_something(&draft);
        }
    }
    return model_give(model, draft.ops, draft.len);
}
