/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/account_view.h"

#include "base/bytes_map.h"
#include "pki/canaries.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct account_view {
    struct bytes_map map; /* account_node by name */
    struct siphash_key key;
    atomic_uint count;
};

struct account_node {
    struct bytes_node node;
    struct account_view_entry entry;
    char text[]; /* name, role, tenant, site, each with its NUL */
};

static const char *copy_text(char **at, const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = *at;

    memcpy(copy, text, size);
    *at += size;
    return copy;
}

static int add_entry(void *context, const struct account *a)
{
    struct account_view *view = context;
    size_t bytes = strlen(a->name) + strlen(a->role) + strlen(a->tenant) + strlen(a->site) + 4;
    struct account_node *node = calloc(1, sizeof(*node) + bytes);

    if (node == NULL)
        return -ENOMEM;
    char *at = node->text;
    node->entry = (struct account_view_entry){
        .name = copy_text(&at, a->name),
        .role = copy_text(&at, a->role),
        .tenant = copy_text(&at, a->tenant),
        .site = copy_text(&at, a->site),
        .status = a->status,
        .is_burnt = a->burnt_s != 0,
        /* The salt makes every verifier another one. */
        .stamp = siphash(&view->key, span_of(a->verifier)),
    };
    node->node.key = span_of(node->entry.name);
    int error = bytes_map_insert(&view->map, &node->node);
    if (error < 0)
        free(node);
    return error;
}

static int add_canary(void *context, const struct canary *canary)
{
    struct account_view *view = context;
    struct bytes_node *node = bytes_map_find(&view->map, span_of(canary->name));

    if (node != NULL && canary->kind != CANARY_TOPIC)
        MQTT_CONTAINER_OF(node, struct account_node, node)->entry.is_canary = true;
    return 0;
}

int account_view_new(struct registry *registry, struct account_view **out, struct pki_fault *fault)
{
    static const struct siphash_key stamp_key = { 0x6163636f756e7473, 0x7374616d70730000 };
    struct siphash_key key;

    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return pki_fail(fault, -EIO, "no random numbers to be had");
    struct account_view *view = calloc(1, sizeof(*view));
    if (view == NULL)
        return -ENOMEM;
    bytes_map_init(&view->map, &key);
    view->key = stamp_key; /* the same in every view, so that stamps can be compared */
    atomic_init(&view->count, 1);
    int error = accounts_list(registry, add_entry, view, fault);
    /* Marks are older than what they mark: whose account was read, its mark is there. */
    if (error == 0)
        error = canaries_list(registry, add_canary, view, fault);
    if (error < 0) {
        account_view_unref(view);
        return error;
    }
    *out = view;
    return 0;
}

struct account_view *account_view_ref(struct account_view *view)
{
    atomic_fetch_add_explicit(&view->count, 1, memory_order_relaxed);
    return view;
}

static void free_node(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct account_node, node));
}

void account_view_unref(struct account_view *view)
{
    if (view == NULL || atomic_fetch_sub_explicit(&view->count, 1, memory_order_acq_rel) != 1)
        return;
    bytes_map_each(&view->map, free_node, NULL);
    bytes_map_fini(&view->map);
    free(view);
}

const struct account_view_entry *account_view_find(const struct account_view *view,
                                                   struct mqtt_span name)
{
    struct bytes_node *node = view != NULL ? bytes_map_find(&view->map, name) : NULL;

    return node != NULL ? &MQTT_CONTAINER_OF(node, struct account_node, node)->entry : NULL;
}
