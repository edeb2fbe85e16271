/* SPDX-License-Identifier: Apache-2.0 */
#include "codec/topic.h"
#include "codec/utf8.h"
#include "policy/sketch.h"
#include "policy/sketch_state.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define HEADER       "tacit-observed 1"
#define HEADER_COUNT 5
#define ENTRY_COUNT  11

_Static_assert(SKETCH_LINE_BYTES >= 3 * (SKETCH_TOPIC_BYTES + 4 * IDENTITY_NAME_BYTES) + 128,
               "a line holds the longest entry, all of it escaped");

static const char *const action_words[] = { "publish", "subscribe", "share" };
static const char *const outcome_words[] = { "refused", "allowed" };
static const char *const kind_words[] = { "exact", "several" };

/* ---- writing ---- */

static bool is_escaped(uint8_t byte)
{
    return byte < ' ' || byte == 0x7f || byte == '%';
}

static size_t write_escaped(char *out, struct mqtt_span text)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (!is_escaped(byte)) {
            out[len++] = (char)byte;
            continue;
        }
        out[len++] = '%';
        out[len++] = digits[byte >> 4];
        out[len++] = digits[byte & 15];
    }
    return len;
}

static size_t write_names(char *out, const struct identity *identity)
{
    const char *const names[] = { identity->device, identity->role, identity->tenant,
                                  identity->site };
    size_t len = 0;
    for (size_t i = 0; i < MQTT_ARRAY_LEN(names); i++) {
        len += write_escaped(out + len, span_of(names[i]));
        out[len++] = '\t';
    }
    return len;
}

struct writing {
    sketch_put put;
    void *context;
};

static int write_entry(void *context, const struct sketch_entry *entry)
{
    const struct writing *writing = context;
    char line[SKETCH_LINE_BYTES];
    size_t len = write_names(line, &entry->identity);
    len += (size_t)snprintf(
        line + len, sizeof(line) - len, "%s\t%s\t%s\t%" PRIu64 "\t%" PRId64 "\t%" PRId64 "\t",
        action_words[entry->shared ? 2 : entry->action], outcome_words[entry->allowed],
        kind_words[entry->generalised], entry->count, entry->first_s, entry->last_s);
    len += write_escaped(line + len, entry->topic);
    line[len++] = '\n';
    return writing->put(writing->context, (struct mqtt_span){ (const uint8_t *)line, len });
}

int sketch_write(const struct sketch *sketch, sketch_put put, void *context)
{
    struct writing writing = { put, context };
    struct sketch_drops drops = sketch_drops_of(sketch);
    char line[128];
    size_t len = (size_t)snprintf(
        line, sizeof(line), HEADER "\t%" PRId64 "\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n",
        sketch_since(sketch), drops.topics, drops.entries, drops.unrecorded);
    int result = put(context, (struct mqtt_span){ (const uint8_t *)line, len });
    return result != 0 ? result : sketch_each(sketch, write_entry, &writing);
}

/* ---- reading ---- */

/* Cuts a line at its tabs; false unless there are exactly `count` fields. */
static bool cut_fields(struct mqtt_span line, struct mqtt_span *out, size_t count)
{
    size_t fields = 0;
    size_t begin = 0;
    for (size_t i = 0; i <= line.len; i++) {
        if (i < line.len && line.data[i] != '\t')
            continue;
        if (fields == count)
            return false;
        out[fields++] = (struct mqtt_span){ line.data + begin, i - begin };
        begin = i + 1;
    }
    return fields == count;
}

/* Decimal, without sign or leading zeros; at most INT64_MAX where `max` says so. */
static bool read_number(struct mqtt_span text, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (text.len == 0 || (text.len > 1 && text.data[0] == '0'))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned digit = (unsigned)text.data[i] - '0';
        if (digit > 9 || value > (max - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = value;
    return true;
}

static bool read_time(struct mqtt_span text, int64_t *out)
{
    uint64_t value;
    if (!read_number(text, INT64_MAX, &value))
        return false;
    *out = (int64_t)value;
    return true;
}

/* Which of the words? `count`: none of them. */
static size_t find_word(struct mqtt_span text, const char *const *words, size_t count)
{
    size_t i = 0;
    while (i < count && !span_equal(text, span_of(words[i])))
        i++;
    return i;
}

static bool read_word(struct mqtt_span text, const char *const words[2], bool *out)
{
    size_t word = find_word(text, words, 2);
    *out = word == 1;
    return word < 2;
}

static bool read_action(struct mqtt_span text, struct sketch_entry *out)
{
    size_t word = find_word(text, action_words, MQTT_ARRAY_LEN(action_words));
    out->action = word == 0 ? POLICY_PUBLISH : POLICY_SUBSCRIBE;
    out->shared = word == 2;
    return word < MQTT_ARRAY_LEN(action_words);
}

static int hex_digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    return byte >= 'A' && byte <= 'F' ? byte - 'A' + 10 : -1;
}

/* Undoes write_escaped(), and nothing else; false when `text` is not what that writes or is
 * longer than `size`. */
static bool read_escaped(struct mqtt_span text, uint8_t *out, size_t size, size_t *out_len)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            if (text.len - i < 3)
                return false;
            int value = hex_digit(text.data[i + 1]) * 16 + hex_digit(text.data[i + 2]);
            if (hex_digit(text.data[i + 2]) < 0 || value < 0 || !is_escaped((uint8_t)value))
                return false;
            byte = (uint8_t)value;
            i += 2;
        } else if (is_escaped(byte)) {
            return false;
        }
        if (len == size)
            return false;
        out[len++] = byte;
    }
    *out_len = len;
    return true;
}

/* A missing name is an empty field and NULL. */
static bool read_name(struct mqtt_span text, char out[IDENTITY_NAME_BYTES + 1], const char **name)
{
    if (text.len > IDENTITY_NAME_BYTES)
        return false;
    if (text.len != 0)
        memcpy(out, text.data, text.len);
    out[text.len] = '\0';
    *name = text.len != 0 ? out : NULL;
    return text.len == 0 || (strlen(out) == text.len && identity_name_is_valid(out));
}

struct names {
    char device[IDENTITY_NAME_BYTES + 1];
    char role[IDENTITY_NAME_BYTES + 1];
    char tenant[IDENTITY_NAME_BYTES + 1];
    char site[IDENTITY_NAME_BYTES + 1];
};

static bool read_identity(const struct mqtt_span *fields, struct names *names, struct identity *out)
{
    return read_name(fields[0], names->device, &out->device)
           && read_name(fields[1], names->role, &out->role)
           && read_name(fields[2], names->tenant, &out->tenant)
           && read_name(fields[3], names->site, &out->site);
}

/* Is the topic one that sketch_note() takes, or a shape that it makes of such? */
static bool topic_fits(const struct sketch_entry *entry)
{
    struct mqtt_span topic = entry->topic;
    if (!mqtt_utf8_is_valid(topic) || !mqtt_topic_filter_is_valid(topic))
        return false;
    if (entry->generalised)
        return memchr(topic.data, '+', topic.len) != NULL
               && memchr(topic.data, '#', topic.len) == NULL;
    return entry->action == POLICY_SUBSCRIBE || mqtt_topic_name_is_valid(topic);
}

static bool read_entry(struct mqtt_span line, struct sketch *into)
{
    struct mqtt_span fields[ENTRY_COUNT];
    struct sketch_entry entry = { .count = 0 };
    struct names names;
    uint8_t topic[SKETCH_TOPIC_BYTES];
    if (line.len >= SKETCH_LINE_BYTES || !cut_fields(line, fields, ENTRY_COUNT)
        || !read_identity(fields, &names, &entry.identity) || !read_action(fields[4], &entry)
        || !read_word(fields[5], outcome_words, &entry.allowed)
        || !read_word(fields[6], kind_words, &entry.generalised)
        || !read_number(fields[7], UINT64_MAX, &entry.count)
        || !read_time(fields[8], &entry.first_s) || !read_time(fields[9], &entry.last_s)
        || !read_escaped(fields[10], topic, sizeof(topic), &entry.topic.len))
        return false;
    entry.topic.data = topic;
    if (entry.count == 0 || entry.first_s > entry.last_s || !topic_fits(&entry))
        return false;
    sketch_add(into, &entry);
    sketch_settle_at_times(into);
    return true;
}

static bool read_header(struct mqtt_span line, struct sketch *into)
{
    struct mqtt_span fields[HEADER_COUNT];
    struct sketch_drops drops;
    int64_t since_s;
    if (!cut_fields(line, fields, HEADER_COUNT) || !span_equal(fields[0], span_of(HEADER))
        || !read_time(fields[1], &since_s) || !read_number(fields[2], UINT64_MAX, &drops.topics)
        || !read_number(fields[3], UINT64_MAX, &drops.entries)
        || !read_number(fields[4], UINT64_MAX, &drops.unrecorded))
        return false;
    sketch_add_drops(into, &drops);
    sketch_set_earlier(into, since_s);
    return true;
}

int sketch_read(struct sketch *into, struct mqtt_span text, size_t *out_line)
{
    size_t begin = 0;
    size_t line = 1;
    bool ok = true;
    do {
        const uint8_t *end = NULL;
        if (begin < text.len)
            end = memchr(text.data + begin, '\n', text.len - begin);
        if (end == NULL) {
            ok = false;
            break;
        }
        struct mqtt_span one = { text.data + begin, (size_t)(end - text.data) - begin };
        ok = line == 1 ? read_header(one, into) : read_entry(one, into);
        begin += one.len + 1;
        line += ok;
    } while (ok && begin < text.len);
    sketch_settle(into);
    if (ok)
        return 0;
    *out_line = line;
    return -EINVAL;
}
