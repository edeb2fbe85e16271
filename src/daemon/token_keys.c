/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/token_keys.h"

#include "base/invariant.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

struct token_keys {
    atomic_uint references;
    size_t count;
    struct jwt_key *keys[];
};

static int load_all(const struct config *config, struct token_keys *keys, struct pki_fault *fault)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        for (size_t j = 0; j < listener->token_count; j++) {
            int status = jwt_key_load(listener->tokens[j].key, &keys->keys[keys->count], fault);
            if (status != 0)
                return status;
            keys->count++;
        }
    }
    return 0;
}

int token_keys_load(const struct config *config, struct token_keys **out, struct pki_fault *fault)
{
    size_t count = 0;

    for (size_t i = 0; i < config->listener_count; i++)
        count += config->listeners[i].token_count;
    struct token_keys *keys = calloc(1, sizeof(*keys) + count * sizeof(struct jwt_key *));
    if (keys == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    atomic_init(&keys->references, 1);
    int status = load_all(config, keys, fault);
    if (status == 0)
        *out = keys;
    else
        token_keys_unref(keys);
    return status;
}

struct token_keys *token_keys_ref(struct token_keys *keys)
{
    atomic_fetch_add_explicit(&keys->references, 1, memory_order_relaxed);
    return keys;
}

void token_keys_unref(struct token_keys *keys)
{
    if (keys == NULL || atomic_fetch_sub_explicit(&keys->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < keys->count; i++)
        jwt_key_unref(keys->keys[i]);
    free(keys);
}

const struct jwt_key *token_keys_find(const struct token_keys *keys, const struct config *config,
                                      const struct config_listener *listener, size_t which)
{
    size_t at = which;

    for (const struct config_listener *l = config->listeners; l != listener; l++)
        at += l->token_count;
    MQTT_INVARIANT(at < keys->count);
    return keys->keys[at];
}
