/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/learn.h"

#include "policy/learn_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- who did what ---- */

struct learning {
    const struct policy *policy;
    const struct learn_options *options;
    struct learn_entries entries; /* of identities that have a role */
};

static int collect(void *context, const struct sketch_entry *entry)
{
    struct learning *learning = context;
    const struct role *role = policy_find(learning->policy, &entry->identity);

    if (role != NULL && entry->last_s >= learning->options->since_s)
        learning->entries.at[learning->entries.count++] =
            (struct learn_entry){ .said = *entry, .role = role };
    return 0;
}

/* A missing name comes first. */
static int compare_names(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static int by_identity(const void *left, const void *right)
{
    const struct identity *a = &((const struct learn_entry *)left)->said.identity;
    const struct identity *b = &((const struct learn_entry *)right)->said.identity;
    int order = compare_names(a->device, b->device);

    if (order == 0)
        order = compare_names(a->role, b->role);
    if (order == 0)
        order = compare_names(a->tenant, b->tenant);
    return order != 0 ? order : compare_names(a->site, b->site);
}

static int compare_topics(const struct learn_entry *a, const struct learn_entry *b)
{
    struct mqtt_span left = a->said.topic;
    struct mqtt_span right = b->said.topic;
    size_t shorter = left.len < right.len ? left.len : right.len;
    int order = shorter != 0 ? memcmp(left.data, right.data, shorter) : 0;

    if (order == 0)
        order = left.len < right.len ? -1 : left.len > right.len;
    if (order == 0)
        order = a->said.generalised - b->said.generalised;
    return order;
}

/* 0: the same thing, whoever did it. */
static int compare_deeds(const struct learn_entry *a, const struct learn_entry *b)
{
    if (a->said.action != b->said.action)
        return a->said.action < b->said.action ? -1 : 1;
    int order = compare_topics(a, b);
    return order != 0 ? order : a->said.allowed - b->said.allowed;
}

static int by_deed(const void *left, const void *right)
{
    const struct learn_entry *a = left;
    const struct learn_entry *b = right;
    int order = compare_deeds(a, b);

    if (order != 0)
        return order;
    return a->identity < b->identity ? -1 : a->identity > b->identity;
}

static int read_sketch(struct learning *learning, const struct sketch *sketch)
{
    struct learn_entries *entries = &learning->entries;
    size_t identity = 0;
    size_t deed = 0;

    entries->at = calloc(sketch_count(sketch) + 1, sizeof(*entries->at));
    if (entries->at == NULL)
        return -ENOMEM;
    (void)sketch_each(sketch, collect, learning);
    qsort(entries->at, entries->count, sizeof(*entries->at), by_identity);
    for (size_t i = 0; i < entries->count; i++) {
        identity += i > 0 && by_identity(&entries->at[i - 1], &entries->at[i]) != 0;
        entries->at[i].identity = identity;
    }
    qsort(entries->at, entries->count, sizeof(*entries->at), by_deed);
    for (size_t i = 0; i < entries->count; i++) {
        deed += i > 0 && compare_deeds(&entries->at[i - 1], &entries->at[i]) != 0;
        entries->at[i].deed = deed;
    }
    return 0;
}

/* ---- which roles ---- */

static bool is_wanted(const struct learning *learning, const struct role *role)
{
    const char *only = learning->options->role;

    if (only != NULL && strcmp(only, role_name(role)) != 0)
        return false;
    for (size_t i = 0; i < learning->entries.count; i++) {
        if (role_part_at(learning->entries.at[i].role, 0) == role)
            return true;
    }
    return false;
}

static int learn_wanted(const struct learning *learning, struct learned *learned)
{
    const struct learn_options *options = learning->options;
    int error = 0;

    for (size_t i = 0; i < policy_role_count(learning->policy) && error == 0; i++) {
        const struct role *role = policy_role_at(learning->policy, i);
        struct learn_role *out = &learned->roles[learned->count];
        if (!is_wanted(learning, role))
            continue;
        learned->count++;
        error = learn_role_make(&learning->entries, role, options->merge_above, out);
        out->shown.known =
            options->known != NULL ? options->known(options->context, role_name(role)) : -1;
    }
    return error;
}

int learn_roles(const struct sketch *sketch, const struct policy *policy,
                const struct learn_options *options, struct learned **out)
{
    struct learning learning = { policy, options, { NULL, 0 } };
    struct learned *learned = calloc(1, sizeof(*learned));
    int error = -ENOMEM;

    if (learned != NULL)
        learned->roles = calloc(policy_role_count(policy) + 1, sizeof(*learned->roles));
    if (learned != NULL && learned->roles != NULL)
        error = read_sketch(&learning, sketch);
    if (error == 0)
        error = learn_wanted(&learning, learned);
    free(learning.entries.at);
    if (error < 0) {
        learned_free(learned);
        return error;
    }
    learned->drops = sketch_drops_of(sketch);
    learned->since_s = sketch_since(sketch);
    if (options->since_s > learned->since_s)
        learned->since_s = options->since_s;
    *out = learned;
    return 0;
}

void learned_free(struct learned *learned)
{
    if (learned == NULL)
        return;
    for (size_t i = 0; i < learned->count; i++)
        learn_role_fini(&learned->roles[i]);
    free(learned->roles);
    free(learned);
}

/* ---- looking ---- */

size_t learned_count(const struct learned *learned)
{
    return learned->count;
}

const struct learned_role *learned_at(const struct learned *learned, size_t i)
{
    return &learned->roles[i].shown;
}

int64_t learned_since(const struct learned *learned)
{
    return learned->since_s;
}

struct sketch_drops learned_drops(const struct learned *learned)
{
    return learned->drops;
}
