/* SPDX-License-Identifier: Apache-2.0 */
/* Few patterns for many topics, none wider than the role is today. */
#include "policy/filter.h"
#include "policy/filter_set.h"
#include "policy/learn_pattern.h"
#include "policy/learn_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Pairs of patterns that are compared to find those that others contain. With more of them the
 * pairs that are left out stay side by side: longer to read, but not wrong. */
#define PRUNE_EFFORT 20000000
#define MERGE_LEVELS 32 /* deeper ones stay as they are */

/* ---- rows ---- */

int learn_rows_add(struct learn_rows *rows, const struct learn_row *row)
{
    if (rows->count == rows->room) {
        size_t room = rows->room != 0 ? 2 * rows->room : 64;
        struct learn_row *grown = realloc(rows->at, room * sizeof(*grown));
        if (grown == NULL) {
            free(row->pattern);
            return -ENOMEM;
        }
        rows->at = grown;
        rows->room = room;
    }
    rows->at[rows->count++] = *row;
    return 0;
}

void learn_rows_fini(struct learn_rows *rows)
{
    for (size_t i = 0; i < rows->count; i++)
        free(rows->at[i].pattern);
    free(rows->at);
    *rows = (struct learn_rows){ NULL, 0, 0 };
}

int learn_rows_compare(const struct learn_row *a, const struct learn_row *b)
{
    if (a->action != b->action)
        return a->action < b->action ? -1 : 1;
    int order = strcmp(a->pattern, b->pattern);
    return order != 0 ? order : learn_terms_compare(&a->terms, &b->terms);
}

static int by_grant(const void *left, const void *right)
{
    const struct learn_row *a = left;
    const struct learn_row *b = right;
    int order = learn_rows_compare(a, b);

    if (order != 0)
        return order;
    return a->identity < b->identity ? -1 : a->identity > b->identity;
}

static int set_pattern(struct learn_row *row, struct mqtt_span pattern)
{
    char *copy = malloc(pattern.len + 1);

    if (copy == NULL)
        return -ENOMEM;
    if (pattern.len != 0)
        memcpy(copy, pattern.data, pattern.len);
    copy[pattern.len] = '\0';
    free(row->pattern);
    row->pattern = copy;
    return 0;
}

/* ---- rates ---- */

static bool has_rate(const struct learn_row *row)
{
    return row->action == POLICY_PUBLISH && row->terms.use.rate_messages != 0;
}

/* A rule in the order of adding: its address, among those of one role. */
static int by_rule(const void *left, const void *right)
{
    const struct learn_row *a = left;
    const struct learn_row *b = right;
    uintptr_t from_a = has_rate(a) ? (uintptr_t)a->rule : 0;
    uintptr_t from_b = has_rate(b) ? (uintptr_t)b->rule : 0;

    if (from_a != from_b)
        return from_a < from_b ? -1 : 1;
    return by_grant(a, b);
}

/* Every pattern has a bucket of its own: a grant with a rate that two patterns would take the
 * place of stays as it is. */
static int keep_rates(struct learn_rows *rows)
{
    size_t next;
    int error = 0;

    qsort(rows->at, rows->count, sizeof(*rows->at), by_rule);
    for (size_t i = 0; i < rows->count && error == 0; i = next) {
        struct learn_row *first = &rows->at[i];
        bool differ = false;
        for (next = i + 1; next < rows->count && has_rate(first) && has_rate(&rows->at[next])
                           && rows->at[next].rule == first->rule;
             next++)
            differ |= strcmp(rows->at[next].pattern, first->pattern) != 0;
        for (size_t j = i; j < next && differ && error == 0; j++)
            error = set_pattern(&rows->at[j], span_of(first->rule->pattern));
    }
    return error;
}

/* ---- one '+' for many names ---- */

static struct mqtt_span before_level(const struct learn_row *row)
{
    const uint8_t *begin = (const uint8_t *)row->pattern;
    return (struct mqtt_span){ begin, (size_t)(row->level.data - begin) };
}

static struct mqtt_span after_level(const struct learn_row *row)
{
    return span_of((const char *)row->level.data + row->level.len);
}

static int compare_spans(struct mqtt_span a, struct mqtt_span b)
{
    size_t shorter = a.len < b.len ? a.len : b.len;
    int order = shorter != 0 ? memcmp(a.data, b.data, shorter) : 0;

    if (order != 0)
        return order;
    return a.len < b.len ? -1 : a.len > b.len;
}

/* Equal for those that differ in the level at most; those without one come last. */
static int compare_frames(const struct learn_row *a, const struct learn_row *b)
{
    if (a->level.data == NULL || b->level.data == NULL)
        return (a->level.data == NULL) - (b->level.data == NULL);
    if (a->action != b->action)
        return a->action < b->action ? -1 : 1;
    int order = compare_spans(before_level(a), before_level(b));
    if (order == 0)
        order = compare_spans(after_level(a), after_level(b));
    return order != 0 ? order : learn_terms_compare(&a->terms, &b->terms);
}

static int by_frame(const void *left, const void *right)
{
    const struct learn_row *a = left;
    const struct learn_row *b = right;
    int order = compare_frames(a, b);

    return order != 0 ? order : compare_spans(a->level, b->level);
}

/* Sets the level of that number in all; how many have one that may become '+'. */
static size_t set_levels(const struct learn_rows *rows, size_t number)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++) {
        struct learn_row *row = &rows->at[i];
        struct mqtt_span level = { NULL, 0 };
        bool fits = !has_rate(row) && learn_pattern_level(span_of(row->pattern), number, &level)
                    && !span_equal(level, span_of("+")) && !span_equal(level, span_of("#"));
        row->level = fits ? level : (struct mqtt_span){ NULL, 0 };
        count += fits;
    }
    return count;
}

/* Is it granted today, with these terms? */
static bool is_granted(const struct role *part, const struct learn_row *row,
                       struct mqtt_span merged, struct mqtt_span *room)
{
    size_t count = 0;

    if (role_options_of(part)->unrestricted)
        return true;
    for (size_t i = 0; i < role_rule_count(part); i++) {
        const struct policy_rule *rule = role_rule_at(part, i);
        struct learned_terms terms = learn_terms_of(rule);
        if (rule->grants && rule->action == row->action && !learn_is_registry(&rule->origin)
            && learn_terms_dominate(row->action, &terms, &row->terms))
            room[count++] = span_of(rule->pattern);
    }
    return filter_set_covers(room, count, merged) == FILTER_COVER_YES;
}

/* The pattern with '+' in its level, from malloc. */
static char *merged_pattern(const struct learn_row *row)
{
    struct mqtt_span before = before_level(row);
    struct mqtt_span after = after_level(row);
    char *out = malloc(before.len + after.len + 2);

    if (out == NULL)
        return NULL;
    memcpy(out, before.data, before.len);
    out[before.len] = '+';
    memcpy(out + before.len + 1, after.data, after.len);
    out[before.len + 1 + after.len] = '\0';
    return out;
}

struct merging {
    struct learn_rows *rows;
    const struct role *part;
    struct mqtt_span *room; /* for all rules of the part */
    size_t merge_above;
    bool has_merged;
};

/* Rows that differ in their level at most. */
static int merge_group(struct merging *merging, size_t begin, size_t end)
{
    const struct learn_row *rows = merging->rows->at;
    size_t names = 1;
    int error = 0;

    for (size_t i = begin + 1; i < end; i++)
        names += !span_equal(rows[i - 1].level, rows[i].level);
    if (names <= merging->merge_above)
        return 0;
    char *pattern = merged_pattern(&rows[begin]);
    if (pattern == NULL)
        return -ENOMEM;
    if (is_granted(merging->part, &rows[begin], span_of(pattern), merging->room)) {
        merging->has_merged = true;
        for (size_t i = begin; i < end && error == 0; i++)
            error = set_pattern(&merging->rows->at[i], span_of(pattern));
    }
    free(pattern);
    return error;
}

static int merge_level(struct merging *merging, size_t count)
{
    struct learn_rows *rows = merging->rows;
    size_t end;
    int error = 0;

    qsort(rows->at, rows->count, sizeof(*rows->at), by_frame);
    for (size_t begin = 0; begin < count && error == 0; begin = end) {
        for (end = begin + 1; end < count && compare_frames(&rows->at[begin], &rows->at[end]) == 0;)
            end++;
        error = merge_group(merging, begin, end);
    }
    return error;
}

static int merge_levels(struct merging *merging)
{
    int error = 0;

    do {
        merging->has_merged = false;
        for (size_t level = 1; level < MERGE_LEVELS && error == 0; level++) {
            size_t count = set_levels(merging->rows, level);
            if (count > merging->merge_above)
                error = merge_level(merging, count);
        }
    } while (merging->has_merged && error == 0);
    return error;
}

/* ---- patterns in others ---- */

/* Does `wide` make `row` superfluous? Of two that do it for each other the first stays. */
static bool takes_in(const struct learn_row *wide, const struct learn_row *row)
{
    struct mqtt_span outer = span_of(wide->pattern);
    struct mqtt_span inner = span_of(row->pattern);

    if (wide->action != row->action || learn_rows_compare(wide, row) == 0
        || !learn_terms_dominate(row->action, &wide->terms, &row->terms)
        || !filter_contains(outer, inner))
        return false;
    return !learn_terms_dominate(row->action, &row->terms, &wide->terms)
           || !filter_contains(inner, outer) || learn_rows_compare(wide, row) < 0;
}

/* What takes it in and is itself in no other, or itself. */
static struct learn_row *widest(const struct learn_rows *heads, struct learn_row *row)
{
    for (size_t i = 0; i < heads->count; i++) {
        if (takes_in(&heads->at[i], row)) {
            row = &heads->at[i];
            i = SIZE_MAX; /* from the beginning: what is wider may stand before it */
        }
    }
    return row;
}

/* A copy of the first row of each grant that may contain others: it has a wildcard, or other terms
 * than its neighbour. Not more than `most`. */
static int find_heads(const struct learn_rows *rows, size_t most, struct learn_rows *out)
{
    int error = 0;

    for (size_t i = 0; i < rows->count && out->count < most && error == 0; i++) {
        const struct learn_row *row = &rows->at[i];
        bool is_twin = (i > 0 && strcmp(row[-1].pattern, row->pattern) == 0)
                       || (i + 1 < rows->count && strcmp(row[1].pattern, row->pattern) == 0);
        if (i > 0 && learn_rows_compare(&row[-1], row) == 0)
            continue;
        if (!is_twin && strpbrk(row->pattern, "+#") == NULL)
            continue;
        struct learn_row head = *row;
        head.pattern = NULL;
        error = set_pattern(&head, span_of(row->pattern));
        if (error == 0)
            error = learn_rows_add(out, &head);
    }
    return error;
}

static int take_in(struct learn_row *row, const struct learn_row *wide)
{
    if (wide == row || learn_rows_compare(wide, row) == 0)
        return 0;
    row->terms = wide->terms;
    return set_pattern(row, span_of(wide->pattern));
}

/* Rows are sorted before and after. */
static int prune(struct learn_rows *rows)
{
    struct learn_rows heads = { NULL, 0, 0 };
    int error = find_heads(rows, PRUNE_EFFORT / rows->count, &heads);

    for (size_t i = 0; i < rows->count && error == 0; i++)
        error = take_in(&rows->at[i], widest(&heads, &rows->at[i]));
    learn_rows_fini(&heads);
    qsort(rows->at, rows->count, sizeof(*rows->at), by_grant);
    return error;
}

int learn_rows_merge(struct learn_rows *rows, const struct role *part, size_t merge_above)
{
    struct merging merging = {
        .rows = rows,
        .part = part,
        .room = calloc(role_rule_count(part) + 1, sizeof(struct mqtt_span)),
        .merge_above = merge_above > 0 ? merge_above : 1,
    };
    int error = merging.room != NULL ? 0 : -ENOMEM;

    if (rows->count == 0) {
        free(merging.room);
        return error;
    }
    if (error == 0)
        error = keep_rates(rows);
    if (error == 0)
        error = merge_levels(&merging);
    free(merging.room);
    qsort(rows->at, rows->count, sizeof(*rows->at), by_grant);
    return error == 0 ? prune(rows) : error;
}
