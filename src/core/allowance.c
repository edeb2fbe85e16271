/* SPDX-License-Identifier: Apache-2.0 */
#include "core/allowance.h"

#include "base/invariant.h"
#include "base/zeroed.h"
#include "core/client.h"
#include "core/message.h"
#include "core/shared_state.h"
#include "core/standing.h"

#include <stdlib.h>
#include <string.h>

/* Whether it was proved, and three names with a NUL behind each. */
#define KEY_BYTES (1 + 3 * (IDENTITY_NAME_BYTES + 1))

#define FORGET_AT_ONCE 2

/* ---- bounds ---- */

static struct policy_rate rate_of(const struct policy_rate *said, uint64_t limit, uint32_t seconds)
{
    if (said->count != 0)
        return *said;
    return (struct policy_rate){ .count =
                                     limit < POLICY_NO_LIMIT ? (uint32_t)limit : POLICY_NO_LIMIT,
                                 .seconds = seconds };
}

struct policy_bounds allowance_bounds(const struct role *role, const struct limits *limits)
{
    static const struct policy_bounds nothing = { 0 };
    const struct policy_bounds *said = role != NULL ? &role_options_of(role)->bounds : &nothing;

    return (struct policy_bounds){
        .messages = rate_of(&said->messages, limits->messages_per_s, 1),
        .bytes = rate_of(&said->bytes, limits->bytes_per_s, 1),
        .connects = rate_of(&said->connects, limits->connects_per_minute, 60),
        .subscribes = rate_of(&said->subscribes, limits->subscribes_per_s, 1),
        .retained_bytes =
            said->has_retained_bytes ? said->retained_bytes : limits->identity_retained_bytes,
        .has_retained_bytes = true,
        .all = said->all,
    };
}

/* ---- keys ---- */

static size_t put_name(uint8_t *at, const char *name)
{
    size_t len = name != NULL ? strlen(name) : 0;

    if (len > 0)
        memcpy(at, name, len);
    at[len] = 0;
    return len + 1;
}

/* Into `memory` of KEY_BYTES, unless the client identifier is the key. */
static struct mqtt_span key_of(const struct identity *identity, struct mqtt_span client_id,
                               uint8_t *memory)
{
    size_t len = 1;

    if (identity->device == NULL)
        return client_id;
    memory[0] = identity->proved ? 1 : 2; /* no client identifier has a NUL */
    len += put_name(memory + len, identity->device);
    len += put_name(memory + len, identity->tenant);
    len += put_name(memory + len, identity->site);
    return (struct mqtt_span){ memory, len };
}

/* Nor is it one of an identity. */
enum role_key {
    ROLE_KEY_ALL = 3,
    ROLE_KEY_QUARANTINES = 4,
};

static struct mqtt_span key_of_role(enum role_key kind, const char *name, uint8_t *memory)
{
    memory[0] = (uint8_t)kind;
    return (struct mqtt_span){ memory, 1 + put_name(memory + 1, name) };
}

bool allowance_owner_is_valid(struct mqtt_span owner)
{
    unsigned names = 0;

    for (size_t i = 0; i < owner.len; i++)
        names += owner.data[i] == 0;
    if (names == 0)
        return owner.len > 0;
    return names == 3 && owner.len <= KEY_BYTES && owner.data[owner.len - 1] == 0
           && (owner.data[0] == 1 || owner.data[0] == 2);
}

/* ---- life ---- */

static struct allowance *allowance_of(struct list *idle)
{
    return MQTT_CONTAINER_OF(idle, struct allowance, idle);
}

static void forget(struct shared *shared, struct allowance *allowance)
{
    shared->idle_allowance_count--;
    list_unlink(&allowance->idle);
    bytes_map_remove(&shared->allowances, &allowance->by_key);
    free(allowance);
}

static struct allowance *allowance_new(struct shared *shared, struct mqtt_span key, uint64_t hash)
{
    struct allowance *allowance = zeroed_alloc(offsetof(struct allowance, key) + key.len);

    if (allowance == NULL)
        return NULL;
    if (key.len > 0)
        memcpy(allowance->key, key.data, key.len);
    allowance->by_key.key = (struct mqtt_span){ allowance->key, key.len };
    allowance->by_key.hash = hash;
    if (bytes_map_insert_hashed(&shared->allowances, &allowance->by_key) == 0)
        return allowance;
    free(allowance);
    return NULL;
}

static struct allowance *find_or_make(struct shared *shared, struct mqtt_span key)
{
    uint64_t hash = bytes_map_hash(&shared->allowances, key);
    struct bytes_node *node = bytes_map_find_hashed(&shared->allowances, key, hash);

    if (node != NULL)
        return allowance_ref(shared, MQTT_CONTAINER_OF(node, struct allowance, by_key));
    struct allowance *allowance = allowance_new(shared, key, hash);
    if (allowance != NULL)
        allowance->references = 1;
    return allowance;
}

struct allowance *allowance_ref(struct shared *shared, struct allowance *allowance)
{
    if (allowance->references == 0) {
        list_unlink(&allowance->idle);
        shared->idle_allowance_count--;
        allowance->retained_bytes = 0;
    }
    allowance->references++;
    return allowance;
}

void allowance_unref(struct shared *shared, struct allowance *allowance)
{
    if (allowance == NULL || --allowance->references > 0)
        return;
    MQTT_INVARIANT(allowance->retained_bytes == 0); /* each message of those is a user */
    shared->idle_allowance_count++;
    list_push_back(&shared->idle_allowances, &allowance->idle);
}

/* The one that was used longest ago first. */
static void bound_idle(struct shared *shared, uint64_t most)
{
    while (shared->idle_allowance_count > most)
        forget(shared, allowance_of(shared->idle_allowances.next));
}

static bool is_as_new(const struct allowance *allowance, uint64_t now_ms)
{
    return bucket_is_full(&allowance->messages, now_ms) && bucket_is_full(&allowance->bytes, now_ms)
           && bucket_is_full(&allowance->connects, now_ms)
           && bucket_is_full(&allowance->subscribes, now_ms);
}

/* A few of those that went longest ago: as many as come, so that there are no more of them than need
 * be remembered, and those few stay in the processor's caches. */
static void forget_some(struct shared *shared, uint64_t now_ms)
{
    for (unsigned i = 0; i < FORGET_AT_ONCE && shared->idle_allowance_count > 0; i++) {
        struct allowance *allowance = allowance_of(shared->idle_allowances.next);
        if (!is_as_new(allowance, now_ms))
            return;
        forget(shared, allowance);
    }
}

static struct allowance *take(struct shared *shared, struct mqtt_span key, uint64_t most)
{
    shared_enter(shared);
    struct allowance *allowance = find_or_make(shared, key);
    bound_idle(shared, most);
    shared_exit(shared);
    return allowance;
}

struct allowance *allowance_take(struct shared *shared, const struct identity *identity,
                                 struct mqtt_span client_id, uint64_t most)
{
    uint8_t memory[KEY_BYTES];

    return take(shared, key_of(identity, client_id, memory), most);
}

struct allowance *allowance_take_role(struct shared *shared, const struct role *role, uint64_t most)
{
    uint8_t memory[KEY_BYTES];

    return take(shared, key_of_role(ROLE_KEY_ALL, role_name(role), memory), most);
}

struct allowance *allowance_take_quarantines(struct shared *shared, const struct role *role,
                                             uint64_t most)
{
    uint8_t memory[KEY_BYTES];

    return take(shared, key_of_role(ROLE_KEY_QUARANTINES, role_name(role), memory), most);
}

struct mqtt_span allowance_owner(const struct allowance *allowance)
{
    return allowance->by_key.key;
}

struct allowance *allowance_take_owner(struct shared *shared, struct mqtt_span owner)
{
    return owner.len > 0 ? take(shared, owner, UINT64_MAX) : NULL;
}

struct allowance *allowance_ref_role(struct shared *shared, struct mqtt_span name)
{
    uint8_t memory[KEY_BYTES];
    char text[IDENTITY_NAME_BYTES + 1];

    if (name.len == 0 || name.len > IDENTITY_NAME_BYTES)
        return NULL;
    memcpy(text, name.data, name.len);
    text[name.len] = '\0';
    return find_or_make(shared, key_of_role(ROLE_KEY_ALL, text, memory));
}

void allowance_give(struct shared *shared, struct allowance *allowance, uint64_t most)
{
    shared_enter(shared);
    allowance_unref(shared, allowance);
    bound_idle(shared, most);
    shared_exit(shared);
}

/* One of the connects of whoever has that key. */
static bool take_connect(struct shared *shared, struct mqtt_span key, uint64_t most,
                         const struct policy_rate *rate, uint64_t now_ms)
{
    bool is_taken = false;

    shared_enter(shared);
    struct allowance *allowance = find_or_make(shared, key);
    if (allowance != NULL) {
        is_taken = bucket_take(&allowance->connects, rate, 1, now_ms);
        allowance_unref(shared, allowance);
    }
    bound_idle(shared, most);
    forget_some(shared, now_ms);
    shared_exit(shared);
    return is_taken;
}

/* One of the connects that all of a role have. */
static bool take_connect_of_all(struct shared *shared, const struct role *role,
                                const struct policy_rate *rate, uint64_t most, uint64_t now_ms)
{
    uint8_t memory[KEY_BYTES];

    return rate->count == 0 || rate->count == POLICY_NO_LIMIT
           || take_connect(shared, key_of_role(ROLE_KEY_ALL, role_name(role), memory), most, rate,
                           now_ms);
}

bool allowance_connect(struct client *client, struct mqtt_span client_id,
                       const struct admission_answer *answer, uint64_t now_ms)
{
    const struct limits *limits = &client->broker->limits;
    const struct policy_bounds bounds = allowance_bounds(answer->role, limits);
    struct shared *shared = client->broker->options.shared;
    uint8_t memory[KEY_BYTES];

    /* Nobody in particular who is given a client identifier has never been here before. */
    if (client->is_counted || (answer->identity.device == NULL && client_id.len == 0))
        return true;
    client->is_counted = true;
    return take_connect(shared, key_of(&answer->identity, client_id, memory), limits->accounts,
                        &bounds.connects, now_ms)
           && take_connect_of_all(shared, answer->role, &bounds.all.connects, limits->accounts,
                                  now_ms);
}

void allowance_answers_for(struct session *session, struct publication *publication)
{
    const struct role *role = session_role(session);
    const struct policy_bounds bounds = allowance_bounds(role, &session->broker->limits);

    publication->payer = session->allowance;
    publication->payer_bytes = bounds.retained_bytes;
    if (role != NULL)
        publication->payer_role = span_of(role_name(role));
    publication->payer_role_bytes = bounds.all.retained_bytes;
}

void allowance_sweep(struct shared *shared, uint64_t now_ms)
{
    list_for_each_safe (link, following, &shared->idle_allowances) {
        struct allowance *allowance = allowance_of(link);

        if (is_as_new(allowance, now_ms))
            forget(shared, allowance);
    }
}

size_t allowance_idle_count(const struct shared *shared)
{
    return shared->idle_allowance_count;
}

static void release(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct allowance, by_key));
}

void allowance_free_all(struct shared *shared)
{
    bytes_map_each(&shared->allowances, release, NULL);
    bytes_map_fini(&shared->allowances);
}
