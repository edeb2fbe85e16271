/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/canary_set.h"

#include "base/bytes_map.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct decoy {
    struct decoy *next;
    size_t stem;   /* bytes of the topic without its "/#" */
    bool has_more; /* it ends with "/#": all below belong to it */
    char name[REGISTRY_TEXT_SIZE];
    char topic[CANARY_TOPIC_SIZE];
};

struct canary_set {
    struct decoy *decoys;
    struct bytes_map accounts; /* account_node by name */
    atomic_uint count;
};

struct account_node {
    struct bytes_node node;
    char name[REGISTRY_TEXT_SIZE];
};

static int add_account(struct canary_set *set, const struct canary *canary)
{
    struct account_node *account = calloc(1, sizeof(*account));

    if (account == NULL)
        return -ENOMEM;
    memcpy(account->name, canary->name, sizeof(account->name));
    account->node.key = span_of(account->name);
    int error = bytes_map_insert(&set->accounts, &account->node);
    if (error < 0)
        free(account);
    return error;
}

static int add_decoy(struct canary_set *set, const struct canary *canary)
{
    struct decoy *decoy = calloc(1, sizeof(*decoy));
    if (decoy == NULL)
        return -ENOMEM;
    memcpy(decoy->name, canary->name, sizeof(decoy->name));
    memcpy(decoy->topic, canary->topic, sizeof(decoy->topic));
    decoy->stem = strlen(decoy->topic);
    decoy->has_more = decoy->topic[decoy->stem - 1] == '#';
    if (decoy->has_more)
        decoy->stem -= strlen("/#");
    decoy->next = set->decoys;
    set->decoys = decoy;
    return 0;
}

static int add(void *context, const struct canary *canary)
{
    if (canary->kind == CANARY_ACCOUNT)
        return add_account(context, canary);
    return canary->topic[0] != '\0' ? add_decoy(context, canary) : 0;
}

int canary_set_new(struct registry *registry, struct canary_set **out, struct pki_fault *fault)
{
    struct siphash_key key;
    struct canary_set *set = calloc(1, sizeof(*set));

    if (set == NULL)
        return pki_fail(fault, -ENOMEM, "out of memory");
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key)) {
        free(set);
        return pki_fail(fault, -EIO, "no random numbers to be had");
    }
    bytes_map_init(&set->accounts, &key);
    atomic_init(&set->count, 1);
    int error = canaries_list(registry, add, set, fault);
    if (error < 0) {
        canary_set_unref(set);
        return error;
    }
    *out = set;
    return 0;
}

struct canary_set *canary_set_ref(struct canary_set *set)
{
    atomic_fetch_add_explicit(&set->count, 1, memory_order_relaxed);
    return set;
}

static void free_account(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct account_node, node));
}

void canary_set_unref(struct canary_set *set)
{
    if (set == NULL || atomic_fetch_sub_explicit(&set->count, 1, memory_order_acq_rel) != 1)
        return;
    while (set->decoys != NULL) {
        struct decoy *next = set->decoys->next;
        free(set->decoys);
        set->decoys = next;
    }
    bytes_map_each(&set->accounts, free_account, NULL);
    bytes_map_fini(&set->accounts);
    free(set);
}

const char *canary_set_find_account(const struct canary_set *set, struct mqtt_span name)
{
    struct bytes_node *node =
        set != NULL && set->accounts.count > 0 ? bytes_map_find(&set->accounts, name) : NULL;

    return node != NULL ? MQTT_CONTAINER_OF(node, struct account_node, node)->name : NULL;
}

/* How much follows the levels that the decoy names: NULL when they are not in front. */
static const uint8_t *behind(const struct decoy *decoy, struct mqtt_span topic)
{
    struct mqtt_span stem = { (const uint8_t *)decoy->topic, decoy->stem };

    if (!span_starts_with(topic, stem))
        return NULL;
    return topic.len == stem.len || topic.data[stem.len] == '/' ? topic.data + stem.len : NULL;
}

const char *canary_set_find_topic(const struct canary_set *set, struct mqtt_span topic)
{
    for (const struct decoy *d = set != NULL ? set->decoys : NULL; d != NULL; d = d->next) {
        const uint8_t *rest = behind(d, topic);
        if (rest != NULL && (d->has_more || rest == topic.data + topic.len))
            return d->name;
    }
    return NULL;
}

const char *canary_set_find_filter(const struct canary_set *set, struct mqtt_span filter)
{
    for (const struct decoy *d = set != NULL ? set->decoys : NULL; d != NULL; d = d->next) {
        const uint8_t *rest = behind(d, filter);
        if (rest == NULL)
            continue;
        struct mqtt_span more = { rest, (size_t)(filter.data + filter.len - rest) };
        /* "a/#" takes in "a" itself, "a/+" does not. */
        if (d->has_more || more.len == 0 || span_equal(more, span_of("/#")))
            return d->name;
    }
    return NULL;
}
