/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/announcement.h"

#include "audit/fields.h"
#include "audit/stamp.h"
#include "base/invariant.h"
#include "daemon/recorder_queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES     256 /* of a name before it is escaped; the rest is cut off */
#define TOPIC_BYTES    (3 * NAME_BYTES + 64)
#define ESCAPED_BYTES  6 /* of one byte, in JSON */
#define SENTENCE_BYTES ((size_t)LOG_LINE_BYTES * ESCAPED_BYTES)
#define OBJECT_BYTES   (AUDIT_FIELDS_BYTES + SENTENCE_BYTES + 256)

/* What stands in the topic; the name is the value of that field. */
struct class_row {
    const char *class;
    const char *name_key;
};

static const struct class_row rows[LOG_KIND_COUNT] = {
    [LOG_SENSE] = { "sense", "device" },
    [LOG_SENSE_SOURCE] = { "sense", "device" },
    [LOG_SENSE_RESPONSE] = { "response", "device" },
    [LOG_SENSE_DRY_RUN] = { "dry-run", "device" },
    [LOG_CANARY] = { "canary", "canary" },
    [LOG_CANARY_DEED] = { "canary", "canary" },
    [LOG_CLONE] = { "clone", "device" },
    [LOG_HELD] = { "hold", "device" },
    [LOG_PASSWORD_BURNT] = { "password", "account" },
};

static struct mqtt_span value_of(const struct log_line *line, const char *key)
{
    for (size_t i = 0; i < line->field_count; i++)
        if (strcmp(line->fields[i].key, key) == 0)
            return line->fields[i].value;
    return (struct mqtt_span){ NULL, 0 };
}

/* ---- the topic ---- */

static bool is_plain(uint8_t byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z')
           || (byte >= '0' && byte <= '9') || (byte != '\0' && strchr("-._:@", byte) != NULL);
}

/* Returns its length. */
static size_t put_level(struct mqtt_span name, char *out)
{
    size_t len = 0;

    for (size_t i = 0; i < name.len && i < NAME_BYTES; i++) {
        if (is_plain(name.data[i]))
            out[len++] = (char)name.data[i];
        else
            len += (size_t)snprintf(out + len, 4, "%%%02X", name.data[i]);
    }
    if (len == 0)
        out[len++] = '-';
    return len;
}

static size_t put_topic(const struct log_line *line, char out[TOPIC_BYTES])
{
    const struct class_row *row = &rows[line->kind];
    struct mqtt_span of = value_of(line, "of");
    bool is_group = span_equal(of, span_of("group"));
    size_t len;

    MQTT_INVARIANT(row->class != NULL);
    if (of.len == 0)
        len = (size_t)snprintf(out, TOPIC_BYTES, ANNOUNCEMENT_PREFIX "%s/", row->class);
    else if (span_equal(of, span_of("source")))
        return (size_t)snprintf(out, TOPIC_BYTES, ANNOUNCEMENT_PREFIX "%s/source", row->class);
    else
        len = (size_t)snprintf(out, TOPIC_BYTES, ANNOUNCEMENT_PREFIX "%s/%s/", row->class,
                               is_group ? "group" : "device");
    return len + put_level(value_of(line, is_group ? "role" : row->name_key), out + len);
}

/* ---- the object ---- */

/* The sentence always fits: it is not longer than a line of the log. */
static size_t put_sentence(const char *text, char out[SENTENCE_BYTES])
{
    bool is_cut;

    return audit_fields_escape(span_of(text), out, SENTENCE_BYTES, &is_cut);
}

static size_t put_object(const struct log_line *line, int64_t utc_ms, uint64_t left_out,
                         char out[OBJECT_BYTES])
{
    struct audit_fields fields = { .len = 0 };
    char stamp[AUDIT_STAMP_SIZE];
    size_t len = (size_t)snprintf(out, OBJECT_BYTES, "{\"time\":\"%s\",\"kind\":\"%s\"",
                                  audit_stamp_put(utc_ms, stamp), log_kind_name(line->kind));

    recorder_queue_gather(line, &fields);
    struct mqtt_span text = audit_fields_end(&fields);
    if (text.len > 0)
        memcpy(out + len, text.data, text.len);
    len += text.len;
    len += (size_t)snprintf(out + len, OBJECT_BYTES - len, ",\"sentence\":\"");
    len += put_sentence(line->text, out + len);
    len += (size_t)snprintf(out + len, OBJECT_BYTES - len, "\"");
    if (left_out > 0)
        len += (size_t)snprintf(out + len, OBJECT_BYTES - len, ",\"left_out\":\"%" PRIu64 "\"",
                                left_out);
    out[len++] = '}';
    return len;
}

struct announcement *announcement_new(const struct log_line *line, int64_t utc_ms,
                                      uint64_t left_out)
{
    char topic[TOPIC_BYTES];
    char object[OBJECT_BYTES];
    size_t topic_len = put_topic(line, topic);
    size_t object_len = put_object(line, utc_ms, left_out, object);
    struct announcement *announcement = malloc(sizeof(*announcement) + topic_len + object_len);

    if (announcement == NULL)
        return NULL;
    *announcement = (struct announcement){ .kind = line->kind,
                                           .topic_len = topic_len,
                                           .object_len = object_len };
    memcpy(announcement->bytes, topic, topic_len);
    memcpy(announcement->bytes + topic_len, object, object_len);
    return announcement;
}

void announcement_free(struct announcement *announcement)
{
    free(announcement);
}

struct mqtt_span announcement_topic(const struct announcement *announcement)
{
    return (struct mqtt_span){ announcement->bytes, announcement->topic_len };
}

struct mqtt_span announcement_object(const struct announcement *announcement)
{
    return (struct mqtt_span){ announcement->bytes + announcement->topic_len,
                               announcement->object_len };
}
