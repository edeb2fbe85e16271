/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/pattern.h"

#include "base/attrs.h"
#include "codec/topic.h"
#include "codec/utf8.h"
#include "policy/steps.h"

#include <stdlib.h>

#define PATTERN_BYTES_MAX 65535

/* ---- substitutions ---- */

enum name_kind {
    NAME_NONE,
    NAME_DEVICE,
    NAME_TENANT,
    NAME_SITE,
};

struct placeholder {
    const char *text;
    enum name_kind name;
};

static const struct placeholder placeholders[] = {
    { "%{device}", NAME_DEVICE },
    { "%{tenant}", NAME_TENANT },
    { "%{site}", NAME_SITE },
};

/* The placeholder that `text` starts with, or NULL. */
static const struct placeholder *placeholder_at(struct mqtt_span text)
{
    if (text.len == 0 || text.data[0] != '%')
        return NULL;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(placeholders); i++) {
        if (span_starts_with(text, span_of(placeholders[i].text)))
            return &placeholders[i];
    }
    return NULL;
}

static const char *name_of(const struct identity *identity, enum name_kind kind)
{
    if (identity == NULL)
        return NULL;
    switch (kind) {
    case NAME_DEVICE:
        return identity->device;
    case NAME_TENANT:
        return identity->tenant;
    case NAME_SITE:
        return identity->site;
    case NAME_NONE:
        return NULL;
    }
    return NULL;
}

static struct mqtt_span skip(struct mqtt_span text, size_t bytes)
{
    return (struct mqtt_span){ text.data + bytes, text.len - bytes };
}

enum likeness {
    DIFFERENT,
    SAME,
    UNKNOWN, /* a name is missing */
};

/* Is a name that the level needs missing? One that is not fit for a topic counts as missing,
 * whoever let it in. */
static bool misses_name(const struct identity *identity, struct mqtt_span level)
{
    while (level.len > 0) {
        const struct placeholder *placeholder = placeholder_at(level);
        if (placeholder != NULL && !identity_name_is_valid(name_of(identity, placeholder->name)))
            return true;
        level = skip(level, placeholder != NULL ? strlen(placeholder->text) : 1);
    }
    return false;
}

/* Compares a level of a pattern, not a wildcard, with a literal level. What is written beside a
 * missing name counts no more than the name, so that the level is what pattern_resolve() says. */
static enum likeness compare_level(const struct pattern *pattern, const struct identity *identity,
                                   struct mqtt_span level, struct mqtt_span literal)
{
    if (!pattern->substitutes)
        return span_equal(level, literal) ? SAME : DIFFERENT;
    if (misses_name(identity, level))
        return UNKNOWN;
    while (level.len > 0) {
        const struct placeholder *placeholder = placeholder_at(level);
        struct mqtt_span part = { level.data, 1 };
        size_t used = 1;
        if (placeholder != NULL) {
            part = span_of(name_of(identity, placeholder->name));
            used = strlen(placeholder->text);
        }
        if (!span_starts_with(literal, part))
            return DIFFERENT;
        literal = skip(literal, part.len);
        level = skip(level, used);
    }
    return literal.len == 0 ? SAME : DIFFERENT;
}

/* ---- sets of topics ---- */

/* Both name a first level. What starts with '$' is met only by what starts with a
 * literal '$', not by a wildcard [MQTT-4.7.2-1] and not by a substituted name. */
static bool meet_first(struct step a, struct step b)
{
    return steps_is_hidden(a) == steps_is_hidden(b);
}

/* Does a level of the pattern contain that of the filter? Neither is END or MANY. */
static bool level_contains(const struct pattern *pattern, const struct identity *identity,
                           struct step outer, struct step inner)
{
    if (outer.kind == STEP_ONE)
        return true;
    return inner.kind == STEP_LITERAL
           && compare_level(pattern, identity, outer.text, inner.text) == SAME;
}

static bool level_overlaps(const struct pattern *pattern, const struct identity *identity,
                           struct step a, struct step b)
{
    if (a.kind == STEP_ONE || b.kind == STEP_ONE)
        return true;
    return compare_level(pattern, identity, a.text, b.text) != DIFFERENT;
}

bool pattern_contains(const struct pattern *pattern, const struct identity *identity,
                      struct mqtt_span filter)
{
    struct steps outers = steps_over(pattern->text);
    struct steps inners = steps_over(filter);
    for (bool first = true;; first = false) {
        struct step outer = steps_next(&outers);
        struct step inner = steps_next(&inners);
        if (outer.kind == STEP_MANY)
            return true;
        if (outer.kind == STEP_END || inner.kind == STEP_END)
            return outer.kind == inner.kind;
        if (inner.kind == STEP_MANY || (first && !meet_first(outer, inner))
            || !level_contains(pattern, identity, outer, inner))
            return false;
    }
}

bool pattern_overlaps(const struct pattern *pattern, const struct identity *identity,
                      struct mqtt_span filter)
{
    struct steps as = steps_over(pattern->text);
    struct steps bs = steps_over(filter);
    for (bool first = true;; first = false) {
        struct step a = steps_next(&as);
        struct step b = steps_next(&bs);
        if (a.kind == STEP_MANY || b.kind == STEP_MANY)
            return true;
        if (a.kind == STEP_END || b.kind == STEP_END)
            return a.kind == b.kind;
        if ((first && !meet_first(a, b)) || !level_overlaps(pattern, identity, a, b))
            return false;
    }
}

/* ---- patterns as text ---- */

static const char *placeholder_fault(struct mqtt_span text)
{
    while (text.len > 0) {
        size_t used = 1;
        if (text.data[0] == '%') {
            const struct placeholder *placeholder = placeholder_at(text);
            if (placeholder == NULL)
                return "'%' must begin %{device}, %{tenant} or %{site}";
            used = strlen(placeholder->text);
        }
        text = skip(text, used);
    }
    return NULL;
}

/* A device called "SYS" would turn "$%{device}/#" into "$SYS/#". */
static bool completes_hidden_level(struct mqtt_span text)
{
    const uint8_t *separator = memchr(text.data, '/', text.len);

    if (separator != NULL)
        text.len = (size_t)(separator - text.data);
    return text.data[0] == '$' && memchr(text.data, '%', text.len) != NULL;
}

const char *pattern_fault(struct mqtt_span text)
{
    if (text.len == 0)
        return "the pattern is empty";
    if (text.len > PATTERN_BYTES_MAX)
        return "the pattern is longer than 65535 bytes";
    if (!mqtt_utf8_is_valid(text))
        return "the pattern is not valid UTF-8";
    if (!mqtt_topic_filter_is_valid(text))
        return "'+' must be alone in its level, '#' alone in the last level";
    if (span_starts_with(text, span_of("$share/")))
        return "name the topic filter without \"$share/\"; the role's option allows sharing";
    if (completes_hidden_level(text))
        return "a first level that starts with '$' is written in full, without %{device}, "
               "%{tenant} and %{site}";
    return placeholder_fault(text);
}

struct pattern pattern_of(struct mqtt_span text)
{
    return (struct pattern){ text, text.len != 0 && memchr(text.data, '%', text.len) != NULL };
}

/* ---- resolving ---- */

/* Copies a level with its names put in; false: one is missing. */
static bool copy_level(const struct identity *identity, struct mqtt_span level, char *out,
                       size_t *len)
{
    while (level.len > 0) {
        const struct placeholder *placeholder = placeholder_at(level);
        struct mqtt_span part = { level.data, 1 };
        size_t used = 1;
        if (placeholder != NULL) {
            const char *name = name_of(identity, placeholder->name);
            if (name == NULL || !identity_name_is_valid(name))
                return false;
            part = span_of(name);
            used = strlen(placeholder->text);
        }
        memcpy(out + *len, part.data, part.len);
        *len += part.len;
        level = skip(level, used);
    }
    return true;
}

/* Bytes of the pattern with its names put in, or a few more, and NUL. */
static size_t room_for(const struct pattern *pattern, const struct identity *identity)
{
    struct mqtt_span rest = pattern->text;
    size_t room = rest.len + 1;

    while (rest.len > 0) {
        const struct placeholder *placeholder = placeholder_at(rest);
        const char *name = placeholder != NULL ? name_of(identity, placeholder->name) : NULL;
        room += name != NULL ? strlen(name) : 0;
        rest = skip(rest, placeholder != NULL ? strlen(placeholder->text) : 1);
    }
    return room;
}

char *pattern_resolve(const struct pattern *pattern, const struct identity *identity,
                      bool missing_is_any, bool *out_missing)
{
    struct mqtt_span rest = pattern->text;
    char *out = malloc(room_for(pattern, identity));
    size_t len = 0;
    bool more = out != NULL;

    *out_missing = false;
    while (more) {
        const uint8_t *separator = rest.len != 0 ? memchr(rest.data, '/', rest.len) : NULL;
        size_t level = separator != NULL ? (size_t)(separator - rest.data) : rest.len;
        size_t start = len;
        if (!copy_level(identity, (struct mqtt_span){ rest.data, level }, out, &len)) {
            *out_missing = true;
            len = start;
            out[len++] = '+';
        }
        more = separator != NULL;
        if (more) {
            out[len++] = '/';
            rest = skip(rest, level + 1);
        }
    }
    if (out == NULL || (*out_missing && !missing_is_any)) {
        free(out);
        return NULL;
    }
    out[len] = '\0';
    return out;
}
