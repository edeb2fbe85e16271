/* SPDX-License-Identifier: Apache-2.0 */
/* Scoped wildcard grants, as tight as the filters that were used. */
#include "codec/topic.h"
#include "policy/learn_pattern.h"
#include "policy/learn_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX       64 /* more can be written only as any */
#define MOST_TOPICS_MAX 1000000

int learn_filters_add(struct learn_filters *filters, const struct learn_filter *filter)
{
    if (filters->count == filters->room) {
        size_t room = filters->room != 0 ? 2 * filters->room : 16;
        struct learn_filter *grown = realloc(filters->at, room * sizeof(*grown));
        if (grown == NULL) {
            free(filter->pattern);
            return -ENOMEM;
        }
        filters->at = grown;
        filters->room = room;
    }
    filters->at[filters->count++] = *filter;
    return 0;
}

void learn_filters_fini(struct learn_filters *filters)
{
    for (size_t i = 0; i < filters->count; i++)
        free(filters->at[i].pattern);
    free(filters->at);
    *filters = (struct learn_filters){ NULL, 0, 0 };
}

/* The levels before the first wildcard, each with its separator. */
static struct mqtt_span literal_levels(const char *pattern)
{
    struct mqtt_span text = span_of(pattern);
    size_t len = 0;

    for (size_t i = 0; i < text.len && text.data[i] != '+' && text.data[i] != '#'; i++)
        len = text.data[i] == '/' ? i + 1 : len;
    text.len = len;
    return text;
}

bool learn_scope_fits(const char *pattern)
{
    return literal_levels(pattern).len >= 2;
}

/* What both begin with, whole levels only. */
static struct mqtt_span common_levels(struct mqtt_span a, struct mqtt_span b)
{
    size_t len = 0;

    for (size_t i = 0; i < a.len && i < b.len && a.data[i] == b.data[i]; i++)
        len = a.data[i] == '/' ? i + 1 : len;
    a.len = len;
    return a;
}

/* Those that one scope is made for: of the same scope of today, or the same first level. */
static bool belong_together(const struct learn_filter *a, const struct learn_filter *b)
{
    if (a->scope != b->scope)
        return false;
    return a->scope != SIZE_MAX
           || common_levels(literal_levels(a->pattern), literal_levels(b->pattern)).len >= 2;
}

static int by_scope(const void *left, const void *right)
{
    const struct learn_filter *a = left;
    const struct learn_filter *b = right;

    if (a->scope != b->scope)
        return a->scope < b->scope ? -1 : 1;
    return strcmp(a->pattern, b->pattern);
}

static int by_identity(const void *left, const void *right)
{
    const struct learn_filter *a = left;
    const struct learn_filter *b = right;

    return a->identity < b->identity ? -1 : a->identity > b->identity;
}

/* Levels that the filter reaches below the prefix; 0: any number. */
static uint32_t depth_below(const char *pattern, struct mqtt_span prefix)
{
    const char *rest = pattern + prefix.len;
    unsigned levels = mqtt_topic_levels(span_of(rest));

    return strchr(rest, '#') != NULL || levels > DEPTH_MAX ? 0 : levels;
}

static struct policy_scope scope_like(const struct role *part, size_t number)
{
    if (number != SIZE_MAX)
        return *role_scope_at(part, number);
    return (struct policy_scope){ .most_topics = MOST_TOPICS_MAX,
                                  .owner = "to be named",
                                  .reason = "was used while the role was unrestricted",
                                  .origin = { .file = "" } };
}

/* Of filters that belong together, sorted. */
static int make_scope(struct learn_filter *filters, size_t count, const struct role *part,
                      struct learned_scope *out)
{
    struct mqtt_span prefix = literal_levels(filters[0].pattern);
    struct learned_scope made = { .scope = scope_like(part, filters[0].scope) };

    for (size_t i = 1; i < count; i++)
        prefix = common_levels(prefix, literal_levels(filters[i].pattern));
    made.scope.depth = 1;
    for (size_t i = 0; i < count; i++) {
        uint32_t depth = depth_below(filters[i].pattern, prefix);
        if (depth == 0 || (made.scope.depth != 0 && depth > made.scope.depth))
            made.scope.depth = depth;
        learn_use_add(&made.use, &filters[i].use);
    }
    char *copy = malloc(prefix.len + 1);
    if (copy == NULL)
        return -ENOMEM;
    memcpy(copy, prefix.data, prefix.len);
    copy[prefix.len] = '\0';
    made.scope.prefix = copy;
    qsort(filters, count, sizeof(*filters), by_identity);
    for (size_t i = 0; i < count; i++)
        made.use.identities += i == 0 || filters[i].identity != filters[i - 1].identity;
    *out = made;
    return 0;
}

int learn_scopes(struct learn_filters *filters, const struct role *part, struct learned_scope **out,
                 size_t *out_count)
{
    size_t count = 0;
    size_t end;
    int error = 0;

    *out_count = 0;
    *out = calloc(filters->count + 1, sizeof(**out));
    if (*out == NULL)
        return -ENOMEM;
    if (filters->count != 0)
        qsort(filters->at, filters->count, sizeof(*filters->at), by_scope);
    for (size_t begin = 0; begin < filters->count && error == 0; begin = end) {
        struct learn_filter *first = &filters->at[begin];
        for (end = begin + 1; end < filters->count && belong_together(first, &filters->at[end]);)
            end++;
        error = make_scope(first, end - begin, part, &(*out)[count]);
        count += error == 0;
    }
    *out_count = count;
    return error;
}
