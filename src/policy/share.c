/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/share.h"

#include "policy/filter.h"

#include <errno.h>
#include <stdlib.h>

/* ---- substitution ---- */

struct substitution {
    struct mqtt_span word; /* length 0: none begins here */
    const char *name;      /* NULL: the identity lacks it */
};

static struct substitution substitution_at(const char *text, const struct identity *identity)
{
    const struct {
        const char *word;
        const char *name;
    } rows[] = {
        { "%{device}", identity->device },
        { "%{tenant}", identity->tenant },
        { "%{site}", identity->site },
    };
    for (size_t i = 0; i < MQTT_ARRAY_LEN(rows); i++)
        if (strncmp(text, rows[i].word, strlen(rows[i].word)) == 0)
            return (struct substitution){ span_of(rows[i].word), rows[i].name };
    return (struct substitution){ { NULL, 0 }, NULL };
}

/* One level with the names in it, or '+'. Moves *text to the separator or the end behind it;
 * returns the bytes written. */
static size_t expand_level(const char **text, const struct identity *identity, char *out,
                           bool *missing)
{
    size_t len = 0;
    bool any = false;
    const char *at = *text;
    while (*at != '\0' && *at != '/') {
        struct substitution found = substitution_at(at, identity);
        struct mqtt_span piece = { (const uint8_t *)at, 1 };
        if (found.word.len != 0)
            piece = span_of(found.name);
        any = any || (found.word.len != 0 && found.name == NULL);
        if (piece.len != 0)
            memcpy(out + len, piece.data, piece.len);
        len += piece.len;
        at += found.word.len != 0 ? found.word.len : 1;
    }
    *text = at;
    if (!any)
        return len;
    *missing = true;
    out[0] = '+';
    return 1;
}

/* A level in which a name is missing may be written before that is known, so there is room for
 * it. */
static size_t room_for(const char *pattern, const struct identity *identity)
{
    size_t room = strlen(pattern) + 1;
    for (const char *at = pattern; *at != '\0'; at++) {
        struct substitution found = substitution_at(at, identity);
        if (found.word.len != 0 && found.name != NULL)
            room += strlen(found.name);
    }
    return room;
}

char *share_expand(const char *pattern, const struct identity *identity, bool *out_missing)
{
    char *out = malloc(room_for(pattern, identity));
    if (out == NULL)
        return NULL;
    size_t len = 0;
    bool missing = false;
    const char *at = pattern;
    for (;;) {
        len += expand_level(&at, identity, out + len, &missing);
        if (*at == '\0')
            break;
        out[len++] = *at++;
    }
    out[len] = '\0';
    *out_missing = missing;
    return out;
}

/* ---- the list ---- */

static size_t count_rules(const struct role *role)
{
    size_t count = 0;
    for (size_t i = 0; i < role_part_count(role); i++)
        count += role_rule_count(role_part_at(role, i));
    return count;
}

static int add_part(const struct role *part, const struct identity *identity, struct share *out)
{
    for (size_t i = 0; i < role_rule_count(part); i++) {
        struct share_line line = { .part = part, .rule = role_rule_at(part, i) };
        line.filter = share_expand(line.rule->pattern, identity, &line.is_missing);
        if (line.filter == NULL)
            return -ENOMEM;
        out->lines[out->count++] = line;
    }
    return 0;
}

static void mark_denied(const struct share *share, struct share_line *grant)
{
    struct mqtt_span filter = span_of(grant->filter);
    for (size_t i = 0; i < share->count; i++) {
        const struct share_line *other = &share->lines[i];
        if (other->rule->grants || other->rule->action != grant->rule->action)
            continue;
        grant->is_denied |= filter_contains(span_of(other->filter), filter);
        grant->is_cut |= filter_overlaps(span_of(other->filter), filter);
    }
}

int share_list(const struct role *role, const struct identity *identity, struct share *out)
{
    size_t count = count_rules(role);
    *out = (struct share){ NULL, 0 };
    out->lines = calloc(count + 1, sizeof(*out->lines));
    if (out->lines == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < role_part_count(role); i++) {
        int error = add_part(role_part_at(role, i), identity, out);
        if (error < 0)
            return error;
    }
    for (size_t i = 0; i < out->count; i++)
        if (out->lines[i].rule->grants)
            mark_denied(out, &out->lines[i]);
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
