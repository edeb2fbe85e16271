/* SPDX-License-Identifier: Apache-2.0 */
#include "core/account.h"

#include "core/client.h"
#include "core/message.h"
#include "core/shared_state.h"
#include "core/standing.h"

#include <stdlib.h>
#include <string.h>

/* Whether it was proved, and three names with a NUL behind each. */
#define KEY_BYTES (1 + 3 * (IDENTITY_NAME_BYTES + 1))

/* ---- bounds ---- */

static struct policy_rate rate_of(const struct policy_rate *said, uint64_t limit, uint32_t seconds)
{
    if (said->count != 0)
        return *said;
    return (struct policy_rate){ .count =
                                     limit < POLICY_NO_LIMIT ? (uint32_t)limit : POLICY_NO_LIMIT,
                                 .seconds = seconds };
}

struct policy_bounds account_bounds(const struct role *role, const struct limits *limits)
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

/* ---- life ---- */

static struct account *account_of(struct list *idle)
{
    return MQTT_CONTAINER_OF(idle, struct account, idle);
}

static void forget(struct shared *shared, struct account *account)
{
    if (list_is_linked(&account->idle))
        shared->idle_account_count--;
    list_unlink(&account->idle);
    bytes_map_remove(&shared->accounts, &account->by_key);
    free(account);
}

static struct account *account_new(struct shared *shared, struct mqtt_span key)
{
    struct account *account = calloc(1, sizeof(*account) + key.len);

    if (account == NULL)
        return NULL;
    if (key.len > 0)
        memcpy(account->key, key.data, key.len);
    account->by_key.key = (struct mqtt_span){ account->key, key.len };
    if (bytes_map_insert(&shared->accounts, &account->by_key) == 0)
        return account;
    free(account);
    return NULL;
}

static struct account *find_or_make(struct shared *shared, const struct identity *identity,
                                    struct mqtt_span client_id)
{
    uint8_t memory[KEY_BYTES];
    struct mqtt_span key = key_of(identity, client_id, memory);
    struct bytes_node *node = bytes_map_find(&shared->accounts, key);

    if (node != NULL)
        return account_ref(MQTT_CONTAINER_OF(node, struct account, by_key));
    struct account *account = account_new(shared, key);
    return account != NULL ? account_ref(account) : NULL;
}

struct account *account_ref(struct account *account)
{
    account->references++;
    return account;
}

void account_unref(struct shared *shared, struct account *account)
{
    if (account == NULL || --account->references > 0)
        return;
    if (!list_is_linked(&account->idle))
        shared->idle_account_count++;
    list_unlink(&account->idle);
    list_push_back(&shared->idle_accounts, &account->idle);
}

/* The one that was used longest ago first; those that are in use again are only unlinked here. */
static void bound_idle(struct shared *shared, uint64_t most)
{
    while (shared->idle_account_count > most) {
        struct account *account = account_of(shared->idle_accounts.next);

        if (account->references == 0) {
            forget(shared, account);
            continue;
        }
        list_unlink(&account->idle);
        shared->idle_account_count--;
    }
}

struct account *account_take(struct shared *shared, const struct identity *identity,
                             struct mqtt_span client_id, uint64_t most)
{
    shared_enter(shared);
    struct account *account = find_or_make(shared, identity, client_id);
    bound_idle(shared, most);
    shared_exit(shared);
    return account;
}

void account_give(struct shared *shared, struct account *account, uint64_t most)
{
    shared_enter(shared);
    account_unref(shared, account);
    bound_idle(shared, most);
    shared_exit(shared);
}

bool account_connect(struct client *client, struct mqtt_span client_id,
                     const struct admission_answer *answer, uint64_t now_ms)
{
    const struct limits *limits = &client->broker->limits;
    const struct policy_bounds bounds = account_bounds(answer->role, limits);
    struct shared *shared = client->broker->options.shared;

    /* Nobody in particular who is given a client identifier has never been here before. */
    if (client->is_counted || (answer->identity.device == NULL && client_id.len == 0))
        return true;
    client->is_counted = true;
    struct account *account = account_take(shared, &answer->identity, client_id, limits->accounts);
    if (account == NULL)
        return false;
    bool is_taken = bucket_take(&account->connects, &bounds.connects, 1, now_ms);
    account_give(shared, account, limits->accounts);
    return is_taken;
}

void account_answers_for(struct session *session, struct publication *publication)
{
    const struct policy_bounds bounds =
        account_bounds(session_role(session), &session->broker->limits);

    publication->payer = session->account;
    publication->payer_bytes = bounds.retained_bytes;
}

static bool is_as_new(const struct account *account, uint64_t now_ms)
{
    return account->references == 0 && bucket_is_full(&account->messages, now_ms)
           && bucket_is_full(&account->bytes, now_ms) && bucket_is_full(&account->connects, now_ms)
           && bucket_is_full(&account->subscribes, now_ms);
}

void account_sweep(struct shared *shared, uint64_t now_ms)
{
    list_for_each_safe (link, following, &shared->idle_accounts) {
        struct account *account = account_of(link);

        if (is_as_new(account, now_ms))
            forget(shared, account);
    }
}

size_t account_idle_count(const struct shared *shared)
{
    return shared->idle_account_count;
}

static void release(struct bytes_node *node, void *context)
{
    forget(context, MQTT_CONTAINER_OF(node, struct account, by_key));
}

void account_free_all(struct shared *shared)
{
    bytes_map_each(&shared->accounts, release, shared);
    bytes_map_fini(&shared->accounts);
}
