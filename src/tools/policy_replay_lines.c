/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/policy_replay_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- the topic without the names ---- */

static const char *name_for(const struct identity *identity, struct mqtt_span level)
{
    const struct {
        const char *name;
        const char *text;
    } names[] = {
        { identity->device, "%{device}" },
        { identity->tenant, "%{tenant}" },
        { identity->site, "%{site}" },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++)
        if (names[i].name != NULL && span_equal(level, span_of(names[i].name)))
            return names[i].text;
    return NULL;
}

/* Devices whose topics differ by their own names only do the same thing. NULL out of memory. */
static char *shape_of(const struct sketch_entry *entry)
{
    static const size_t longest = sizeof("%{device}"); /* of a level, with its '/' */
    struct mqtt_span topic = entry->topic;
    char *shape = malloc((topic.len + 1) * longest + 1);
    size_t len = 0;
    size_t begin = 0;
    for (size_t i = 0; shape != NULL && i <= topic.len; i++) {
        if (i < topic.len && topic.data[i] != '/')
            continue;
        struct mqtt_span level = { topic.data + begin, i - begin };
        const char *text = name_for(&entry->identity, level);
        struct mqtt_span put = text != NULL ? span_of(text) : level;
        memcpy(shape + len, put.data, put.len);
        len += put.len;
        shape[len++] = i < topic.len ? '/' : '\0';
        begin = i + 1;
    }
    return shape;
}

/* ---- collecting ---- */

static int compare_text(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "");
}

static int compare_identity(const struct identity *a, const struct identity *b)
{
    int order = compare_text(a->device, b->device);
    if (order == 0)
        order = compare_text(a->role, b->role);
    if (order == 0)
        order = compare_text(a->tenant, b->tenant);
    return order != 0 ? order : compare_text(a->site, b->site);
}

static int compare_topic(struct mqtt_span a, struct mqtt_span b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len != 0 ? memcmp(a.data, b.data, len) : 0;
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_number(int a, int b)
{
    return (a > b) - (a < b);
}

static int compare_lines(const void *left, const void *right)
{
    const struct sketch_entry *a = &((const struct policy_replay_line *)left)->entry;
    const struct sketch_entry *b = &((const struct policy_replay_line *)right)->entry;
    int order = compare_identity(&a->identity, &b->identity);
    if (order == 0)
        order = compare_number((int)a->action, (int)b->action);
    if (order == 0)
        order = compare_number(a->shared, b->shared);
    return order != 0 ? order : compare_topic(a->topic, b->topic);
}

struct collecting {
    const struct policy *now;
    const struct policy *then;
    struct policy_replay_lines *lines;
};

static int push(struct policy_replay_lines *lines, const struct policy_replay_line *line)
{
    if (lines->count == lines->room) {
        size_t room = lines->room != 0 ? 2 * lines->room : 64;
        struct policy_replay_line *grown = realloc(lines->lines, room * sizeof(*grown));
        if (grown == NULL)
            return -ENOMEM;
        lines->lines = grown;
        lines->room = room;
    }
    lines->lines[lines->count++] = *line;
    return 0;
}

static int collect(void *context, const struct sketch_entry *entry)
{
    const struct collecting *collecting = context;
    struct policy_replay_line line = { .entry = *entry };
    line.changes = replay_compare(collecting->now, collecting->then, entry, &line.change);
    line.change.entry = NULL; /* it is gone after this call, and stands in the line */
    line.shape = line.changes ? shape_of(entry) : NULL;
    if (line.changes && line.shape == NULL)
        return -ENOMEM;
    int error = push(collecting->lines, &line);
    if (error < 0)
        free(line.shape);
    return error;
}

int policy_replay_lines_of(const struct sketch *sketch, const struct policy *now,
                           const struct policy *then, struct policy_replay_lines *out)
{
    struct collecting collecting = { now, then, out };
    *out = (struct policy_replay_lines){ NULL, 0, 0 };
    int error = sketch_each(sketch, collect, &collecting);
    if (error == 0 && out->count != 0)
        qsort(out->lines, out->count, sizeof(*out->lines), compare_lines);
    return error;
}

void policy_replay_lines_fini(struct policy_replay_lines *lines)
{
    for (size_t i = 0; i < lines->count; i++)
        free(lines->lines[i].shape);
    free(lines->lines);
    *lines = (struct policy_replay_lines){ NULL, 0, 0 };
}

bool policy_replay_line_loses(const struct policy_replay_line *line)
{
    return line->changes && line->change.then < line->change.now;
}

struct policy_replay_sums policy_replay_lines_sum(const struct policy_replay_lines *lines)
{
    struct policy_replay_sums sums = { 0 };
    bool loses = false; /* the identity at hand */
    for (size_t i = 0; i < lines->count; i++) {
        const struct policy_replay_line *line = &lines->lines[i];
        if (i == 0 || compare_identity(&line->entry.identity, &line[-1].entry.identity) != 0) {
            sums.identities++;
            loses = false;
        }
        bool is_loss = policy_replay_line_loses(line);
        sums.identities_losing += is_loss && !loses;
        loses = loses || is_loss;
        sums.losing += is_loss;
        sums.gaining += line->changes && !is_loss;
    }
    return sums;
}

/* ---- what changes alike ---- */

static int compare_origin(const struct policy_rule *a, const struct policy_rule *b)
{
    if (a == NULL || b == NULL)
        return compare_number(a != NULL, b != NULL);
    int order = compare_text(a->origin.file, b->origin.file);
    if (order == 0)
        order = (a->origin.line > b->origin.line) - (a->origin.line < b->origin.line);
    return order != 0
               ? order
               : (a->origin.column > b->origin.column) - (a->origin.column < b->origin.column);
}

static int compare_outcome(const struct replay_change *a, const struct replay_change *b)
{
    int order = compare_number((int)a->then, (int)b->then);
    if (order == 0)
        order = compare_number((int)a->now, (int)b->now);
    if (order == 0)
        order = compare_text(a->reason, b->reason);
    if (order == 0)
        order = compare_origin(a->rule, b->rule);
    return order != 0 ? order : compare_origin(a->rule_now, b->rule_now);
}

/* Not by identity. */
static int compare_kind(const struct policy_replay_line *a, const struct policy_replay_line *b)
{
    int order = compare_outcome(&a->change, &b->change);
    if (order == 0)
        order = compare_text(a->entry.identity.role, b->entry.identity.role);
    if (order == 0)
        order = compare_number((int)a->entry.action, (int)b->entry.action);
    if (order == 0)
        order = compare_number(a->entry.shared, b->entry.shared);
    return order != 0 ? order : compare_text(a->shape, b->shape);
}

/* The lines are by identity already: equal ones stay in that order by their addresses. */
static int compare_pointers(const void *left, const void *right)
{
    const struct policy_replay_line *a = *(const struct policy_replay_line *const *)left;
    const struct policy_replay_line *b = *(const struct policy_replay_line *const *)right;
    int order = compare_number(policy_replay_line_loses(b), policy_replay_line_loses(a));
    if (order == 0)
        order = compare_kind(a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

static void add_to_group(struct policy_replay_group *group, const struct policy_replay_line *line,
                         const struct policy_replay_line *before)
{
    const struct sketch_entry *entry = &line->entry;
    bool is_same =
        before != NULL && compare_identity(&entry->identity, &before->entry.identity) == 0;
    group->identities += !is_same;
    group->uses++;
    group->count =
        entry->count > UINT64_MAX - group->count ? UINT64_MAX : group->count + entry->count;
    if (entry->last_s > group->last_s)
        group->last_s = entry->last_s;
}

static size_t make_groups(const struct policy_replay_line *const *lines, size_t count,
                          struct policy_replay_group *groups)
{
    size_t made = 0;
    for (size_t i = 0; i < count; i++) {
        bool is_alike = i > 0 && compare_kind(lines[i], lines[i - 1]) == 0;
        if (!is_alike)
            groups[made++] = (struct policy_replay_group){ .first = lines[i] };
        add_to_group(&groups[made - 1], lines[i], is_alike ? lines[i - 1] : NULL);
    }
    return made;
}

int policy_replay_lines_group(const struct policy_replay_lines *lines,
                              struct policy_replay_group **out, size_t *out_count)
{
    size_t count = 0;
    const struct policy_replay_line **changes = calloc(lines->count + 1, sizeof(*changes));
    struct policy_replay_group *groups = calloc(lines->count + 1, sizeof(*groups));
    if (changes == NULL || groups == NULL) {
        free(changes);
        free(groups);
        return -ENOMEM;
    }
    for (size_t i = 0; i < lines->count; i++)
        if (lines->lines[i].changes)
            changes[count++] = &lines->lines[i];
    qsort(changes, count, sizeof(*changes), compare_pointers);
    *out_count = make_groups(changes, count, groups);
    *out = groups;
    free(changes);
    return 0;
}
