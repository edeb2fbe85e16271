/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/registry_view.h"

#include "base/bytes_map.h"
#include "pki/canaries.h"
#include "pki/holds.h"
#include "pki/registry_life.h"
#include "pki/registry_sql.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

struct registry_view {
    struct bytes_map map; /* view_node by name */
    uint64_t version;
    int64_t next_end_s;
    atomic_uint count;
};

struct view_node {
    struct bytes_node node;
    struct registry_view_entry entry;
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

static int add_entry(void *context, const struct registry_entry *e)
{
    struct registry_view *view = context;
    size_t bytes = strlen(e->name) + strlen(e->role) + strlen(e->tenant) + strlen(e->site) + 4;
    struct view_node *node = calloc(1, sizeof(*node) + bytes);
    if (node == NULL)
        return -ENOMEM;

    char *at = node->text;
    node->entry.name = copy_text(&at, e->name);
    node->entry.role = copy_text(&at, e->role);
    node->entry.tenant = copy_text(&at, e->tenant);
    node->entry.site = copy_text(&at, e->site);
    node->entry.kind = e->kind;
    node->entry.status = e->status;
    memcpy(node->entry.key_sha256, e->key_sha256, sizeof(node->entry.key_sha256));
    node->entry.protection = identity_extension_protection_of(e->protection);
    node->entry.is_attested = registry_is_attested(e);
    node->entry.not_after_s = e->certificate.not_after_s;
    node->node.key = span_of(node->entry.name);
    int error = bytes_map_insert(&view->map, &node->node);
    if (error < 0)
        free(node);
    return error;
}

static int add_hold(void *context, const struct registry_hold *hold)
{
    struct registry_view *view = context;
    struct bytes_node *node = bytes_map_find(&view->map, span_of(hold->name));

    if (hold->until_s > 0 && (view->next_end_s == 0 || hold->until_s < view->next_end_s))
        view->next_end_s = hold->until_s;
    if (node == NULL || !holds_is_current(hold, (int64_t)time(NULL)))
        return 0;
    struct registry_view_entry *entry = &MQTT_CONTAINER_OF(node, struct view_node, node)->entry;
    entry->is_held = hold->kind != HOLD_PARDON;
    entry->is_quarantined = hold->kind == HOLD_BEHAVIOUR;
    entry->is_pardoned = hold->kind == HOLD_PARDON;
    return 0;
}

static int add_canary(void *context, const struct canary *canary)
{
    struct registry_view *view = context;
    struct bytes_node *node = bytes_map_find(&view->map, span_of(canary->name));

    if (node != NULL && canary->kind != CANARY_TOPIC)
        MQTT_CONTAINER_OF(node, struct view_node, node)->entry.is_canary = true;
    return 0;
}

static int mark_renamed(void *context, const char *name)
{
    struct registry_view *view = context;
    struct bytes_node *node = bytes_map_find(&view->map, span_of(name));

    if (node != NULL)
        MQTT_CONTAINER_OF(node, struct view_node, node)->entry.is_renamed = true;
    return 0;
}

static void free_node(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct view_node, node));
}

int registry_view_new(struct registry *registry, struct registry_view **out,
                      struct pki_fault *fault)
{
    struct siphash_key key;
    if (getrandom(&key, sizeof(key), 0) != (ssize_t)sizeof(key))
        return pki_fail(fault, -EIO, "no random numbers to be had");
    struct registry_view *view = calloc(1, sizeof(*view));
    if (view == NULL)
        return -ENOMEM;
    bytes_map_init(&view->map, &key);
    atomic_init(&view->count, 1);

    /* The version first: a change in between makes the view look old, never new. */
    int error = registry_version(registry, &view->version);
    if (error < 0)
        (void)pki_fail(fault, error, "cannot ask the registry for its version");
    else
        error = registry_begin_reading(registry, fault);
    /* A hold ends with the key that it is about: neither may be newer than the other. */
    if (error == 0) {
        error = registry_survey(registry, add_entry, view, fault);
        if (error == 0)
            error = holds_list(registry, add_hold, view, fault);
        if (error == 0)
            error = canaries_list(registry, add_canary, view, fault);
        if (error == 0)
            error = registry_each_renamed(registry, mark_renamed, view, fault);
        error = registry_end(registry, error, fault);
    }
    if (error < 0) {
        registry_view_unref(view);
        return error;
    }
    *out = view;
    return 0;
}

struct registry_view *registry_view_ref(struct registry_view *view)
{
    atomic_fetch_add_explicit(&view->count, 1, memory_order_relaxed);
    return view;
}

void registry_view_unref(struct registry_view *view)
{
    if (view == NULL || atomic_fetch_sub_explicit(&view->count, 1, memory_order_acq_rel) != 1)
        return;
    bytes_map_each(&view->map, free_node, NULL);
    bytes_map_fini(&view->map);
    free(view);
}

const struct registry_view_entry *registry_view_find(const struct registry_view *view,
                                                     struct mqtt_span name)
{
    struct bytes_node *node = bytes_map_find(&view->map, name);
    return node != NULL ? &MQTT_CONTAINER_OF(node, struct view_node, node)->entry : NULL;
}

int64_t registry_view_next_end_s(const struct registry_view *view)
{
    return view->next_end_s;
}

size_t registry_view_count(const struct registry_view *view)
{
    return view->map.count;
}

uint64_t registry_view_version(const struct registry_view *view)
{
    return view->version;
}
