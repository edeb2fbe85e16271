/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/grant_print.h"

#include "base/attrs.h"
#include "base/span.h"
#include "codec/topic.h"
#include "config/rulebook_grant.h"
#include "tools/identity_print.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A text that grows, and is cut when it is full. */
struct words {
    char *text;
    size_t size;
    size_t used;
};

static struct words words_in(char *out, size_t size)
{
    out[0] = '\0';
    return (struct words){ out, size, 0 };
}

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(words->text + words->used, words->size - words->used, format, arguments);
    va_end(arguments);
    if (len > 0)
        words->used += (size_t)len;
    if (words->used >= words->size)
        words->used = words->size - 1;
}

const char *grant_print_action(const struct registry_grant *grant)
{
    static const char *const texts[2][2] = { { "publish", "subscribe" },
                                             { "not publish", "not subscribe" } };
    return texts[grant->denies][grant->subscribes];
}

static const char *separator(const struct words *words)
{
    return words->used == 0 ? "" : ", ";
}

static void add_rate(struct words *words, const struct registry_grant *grant)
{
    static const struct {
        int64_t seconds;
        const char *unit;
    } spans[] = { { 1, "s" }, { 60, "m" }, { 3600, "h" } };

    add(words, "%srate %" PRId64 "/", separator(words), grant->rate_messages);
    for (size_t i = 0; i < MQTT_ARRAY_LEN(spans); i++) {
        if (spans[i].seconds == grant->rate_seconds) {
            add(words, "%s", spans[i].unit);
            return;
        }
    }
    add(words, "%" PRId64 "s", grant->rate_seconds);
}

const char *grant_print_terms(const struct registry_grant *grant, char *out, size_t size)
{
    struct words words = words_in(out, size);

    if (grant->maximum_qos >= 0)
        add(&words, "%sqos %d", separator(&words), grant->maximum_qos);
    if (grant->retain >= 0)
        add(&words, "%sretain %s", separator(&words), grant->retain != 0 ? "on" : "off");
    if (grant->payload_bytes >= 0)
        add(&words, "%smax-payload %" PRId64 "B", separator(&words), grant->payload_bytes);
    if (grant->rate_messages >= 0)
        add_rate(&words, grant);
    if (grant->most_topics > 0) {
        add(&words, "%swildcards, depth ", separator(&words));
        if (grant->depth > 0)
            add(&words, "%" PRId64, grant->depth);
        else
            add(&words, "any");
        add(&words, ", most-topics %" PRId64, grant->most_topics);
    }
    return out;
}

/* A pattern with wildcards covers topics; a filter with wildcards takes more. */
static bool is_one_by_one(const struct registry_grant *grant)
{
    return grant->subscribes && !grant->denies && grant->most_topics == 0
           && mqtt_topic_filter_has_wildcard(span_of(grant->pattern));
}

const char *grant_print_sentence(const struct registry_grant *grant, char *out, size_t size)
{
    char text[GRANT_PATTERN_SIZE];
    char until[IDENTITY_PRINT_TIME_SIZE];
    struct words words = words_in(out, size);

    add(&words, "%s %s may %s%s ", grants_subject_text(grant->subject_kind),
        identity_print_text(grant->subject, text, sizeof(text)), grant_print_action(grant),
        grant->subscribes ? " to" : "");
    add(&words, "\"%s\"", identity_print_text(grant->pattern, text, sizeof(text)));
    if (is_one_by_one(grant))
        add(&words, ", one topic at a time,");
    if (grant_print_terms(grant, text, sizeof(text))[0] != '\0')
        add(&words, " (%s)", text);
    if (grant->expires_s != 0)
        add(&words, " until %s", identity_print_exact_time(grant->expires_s, until));
    else
        add(&words, " until it is removed");
    return out;
}

/* ---- JSON ---- */

static json_t *text_json(const char *text)
{
    char shown[GRANT_PATTERN_SIZE];
    return json_string(identity_print_text(text, shown, sizeof(shown)));
}

/* -1 is null: the role decides. */
static json_t *number_json(int64_t value)
{
    return value < 0 ? json_null() : json_integer(value);
}

static json_t *time_json(int64_t seconds)
{
    char text[IDENTITY_PRINT_TIME_SIZE];
    return seconds == 0 ? json_null() : json_string(identity_print_time_rfc3339(seconds, text));
}

static json_t *rate_json(const struct registry_grant *grant)
{
    if (grant->rate_messages < 0)
        return json_null();
    return json_pack("{s:I, s:I}", "messages", (json_int_t)grant->rate_messages, "seconds",
                     (json_int_t)grant->rate_seconds);
}

static json_t *wildcards_json(const struct registry_grant *grant)
{
    char prefix[GRANT_PATTERN_SIZE];
    if (grant->most_topics <= 0)
        return json_null();
    rulebook_grant_prefix(grant, prefix);
    return json_pack("{s:o, s:o, s:I}", "prefix", text_json(prefix), "depth",
                     grant->depth > 0 ? json_integer(grant->depth) : json_string("any"),
                     "most_topics", (json_int_t)grant->most_topics);
}

json_t *grant_print_json(const struct registry_grant *grant, int64_t now_s)
{
    bool has_expired = grant->expires_s != 0 && grant->expires_s <= now_s;
    json_t *retain = grant->retain < 0 ? json_null() : json_boolean(grant->retain != 0);
    /* "" stands for a row that cannot be read. */
    json_t *pattern = grant->pattern[0] == '\0' ? json_null() : text_json(grant->pattern);

    return json_pack("{s:I, s:s, s:o, s:s, s:b, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:b, "
                     "s:o}",
                     "id", (json_int_t)grant->id, "subject_kind",
                     grants_subject_text(grant->subject_kind), "subject", text_json(grant->subject),
                     "action", grant->subscribes ? "subscribe" : "publish", "denies",
                     (int)grant->denies, "pattern", pattern, "maximum_qos",
                     number_json(grant->maximum_qos), "retain", retain, "max_payload",
                     number_json(grant->payload_bytes), "rate", rate_json(grant), "wildcards",
                     wildcards_json(grant), "owner", text_json(grant->owner), "reason",
                     text_json(grant->reason), "expires", time_json(grant->expires_s), "expired",
                     (int)has_expired, "created", time_json(grant->created_s));
}
