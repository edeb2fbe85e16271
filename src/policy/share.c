/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/share.h"

#include "policy/filter.h"
#include "policy/pattern.h"
#include "policy/role.h"

#include <errno.h>
#include <stdlib.h>

/* ---- the list ---- */

static size_t count_rules(const struct role *role)
{
    size_t count = 0;
    for (size_t i = 0; i < role_part_count(role); i++)
        count += role_rule_count(role_part_at(role, i));
    return count;
}

static int add_part(const struct role *part, const struct identity *identity, bool has_space,
                    struct share *out)
{
    for (size_t i = 0; i < role_rule_count(part); i++) {
        struct share_line line = { .part = part, .rule = role_rule_at(part, i) };
        struct pattern pattern = pattern_of(span_of(line.rule->pattern));
        line.filter = pattern_resolve(&pattern, identity, true, &line.is_missing);
        if (line.filter == NULL)
            return -ENOMEM;
        line.is_out_of_space = has_space && line.filter[0] == '$';
        line.is_of_house = line.rule->grants && line.rule->action == POLICY_PUBLISH
                           && policy_is_of_house(span_of(line.filter));
        out->lines[out->count++] = line;
    }
    return 0;
}

static void mark_denied(const struct share *share, struct share_line *grant)
{
    struct mqtt_span filter = span_of(grant->filter);
    for (size_t i = 0; i < share->count; i++) {
        const struct share_line *other = &share->lines[i];
        if (other->rule == NULL || other->rule->grants
            || other->rule->action != grant->rule->action)
            continue;
        grant->is_denied |= filter_contains(span_of(other->filter), filter);
        grant->is_cut |= filter_overlaps(span_of(other->filter), filter);
    }
}

/* A combination may name a role twice; its rules are there once. */
static bool is_repeated(const struct role *role, size_t part)
{
    for (size_t i = 0; i < part; i++)
        if (role_part_at(role, i) == role_part_at(role, part))
            return true;
    return false;
}

int share_list(const struct role *role, const struct identity *identity, struct share *out)
{
    size_t count = count_rules(role);
    *out = (struct share){ NULL, 0 };
    out->lines = calloc(count + 1, sizeof(*out->lines));
    if (out->lines == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < role_part_count(role); i++) {
        int error = 0;
        if (!is_repeated(role, i))
            error = add_part(role_part_at(role, i), identity, role_has_space(role, identity), out);
        if (error < 0)
            return error;
    }
    for (size_t i = 0; i < out->count; i++) {
        const struct policy_rule *rule = out->lines[i].rule;
        if (rule != NULL && rule->grants)
            mark_denied(out, &out->lines[i]);
    }
    return 0;
}

void share_fini(struct share *share)
{
    for (size_t i = 0; i < share->count; i++)
        free(share->lines[i].filter);
    free(share->lines);
    *share = (struct share){ NULL, 0 };
}

/* ---- the nearest ---- */

static size_t level_bytes(struct mqtt_span text)
{
    const uint8_t *end = text.len != 0 ? memchr(text.data, '/', text.len) : NULL;
    return end != NULL ? (size_t)(end - text.data) : text.len;
}

/* Cuts the first level and its separator off; false at the end. */
static bool next_level(struct mqtt_span *text)
{
    size_t len = level_bytes(*text);
    if (len == text->len)
        return false;
    *text = (struct mqtt_span){ text->data + len + 1, text->len - len - 1 };
    return true;
}

/* Levels in common count two where they are equal, one where a wildcard takes the topic's. */
static size_t likeness(struct mqtt_span filter, struct mqtt_span topic)
{
    size_t points = 0;
    do {
        struct mqtt_span a = { filter.data, level_bytes(filter) };
        struct mqtt_span b = { topic.data, level_bytes(topic) };
        bool is_wildcard = a.len == 1 && (a.data[0] == '+' || a.data[0] == '#');
        if (!is_wildcard && !span_equal(a, b))
            return points;
        points += is_wildcard ? 1 : 2;
    } while (next_level(&filter) && next_level(&topic));
    return points;
}

const struct share_line *share_nearest(const struct share *share, enum policy_action action,
                                       struct mqtt_span topic)
{
    const struct share_line *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < share->count; i++) {
        const struct share_line *line = &share->lines[i];
        if (!line->rule->grants || line->rule->action != action)
            continue;
        size_t points = likeness(span_of(line->filter), topic) + 1;
        if (points > most) {
            most = points;
            best = line;
        }
    }
    return best;
}
