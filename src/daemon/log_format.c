/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/log.h"

#include "codec/utf8.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ROOM        (LOG_LINE_BYTES - 2) /* what closes a line always fits: "}\n" */
#define VALUE_BYTES 512                  /* longest value of a JSON field; the rest is cut off */

struct line {
    char *out;
    size_t used;
    bool is_full; /* something did not fit */
};

static void put(struct line *line, const void *bytes, size_t len)
{
    if (line->is_full || line->used + len > ROOM) {
        line->is_full = true;
        return;
    }
    memcpy(line->out + line->used, bytes, len);
    line->used += len;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* Control characters as \xNN, the rest as it is. */
static void put_words(struct line *line, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        char escaped[8];
        uint8_t byte = (uint8_t)*at;
        if (byte >= 0x20 && byte != 0x7f) {
            put(line, at, 1);
            continue;
        }
        snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
        put_text(line, escaped);
    }
}

static struct mqtt_span cut(struct mqtt_span text)
{
    if (text.len <= VALUE_BYTES)
        return text;
    text.len = VALUE_BYTES;
    while (text.len > 0 && (text.data[text.len] & 0xc0u) == 0x80u)
        text.len--;
    return text;
}

/* Bytes that are not UTF-8 become U+00NN each, so that the line stays JSON. */
static void put_string(struct line *line, struct mqtt_span whole)
{
    struct mqtt_span text = cut(whole);
    bool is_utf8 = mqtt_utf8_is_valid(text);

    put_text(line, "\"");
    for (size_t i = 0; i < text.len; i++) {
        char escaped[8];
        uint8_t byte = text.data[i];
        bool is_plain = byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
        if (is_plain && (byte < 0x80 || is_utf8)) {
            put(line, &text.data[i], 1);
            continue;
        }
        snprintf(escaped, sizeof(escaped), "\\u%04x", byte);
        put_text(line, escaped);
    }
    put_text(line, "\"");
}

/* A field is there whole or not at all. */
static void put_field(struct line *line, const char *key, struct mqtt_span value)
{
    size_t before = line->used;

    put_text(line, line->used == 0 ? "{" : ",");
    put_string(line, span_of(key));
    put_text(line, ":");
    put_string(line, value);
    if (line->is_full)
        line->used = before;
}

static const struct {
    const char *name;
    enum log_audit audit;
    bool is_alarm;
} kinds[LOG_KIND_COUNT] = {
#define NO                                 false
#define YES                                true
#define LOG_KIND(kind, name, audit, alarm) { name, LOG_AUDIT_##audit, alarm },
#include "daemon/log_kinds.def"
#undef LOG_KIND
#undef NO
#undef YES
};

const char *log_kind_name(enum log_kind kind)
{
    return kinds[kind].name;
}

enum log_audit log_kind_audit(enum log_kind kind)
{
    return kinds[kind].audit;
}

bool log_kind_is_alarm(enum log_kind kind)
{
    return kinds[kind].is_alarm;
}

static const struct {
    const char *name;
    const char *journal; /* priority, sd-daemon(3) */
} levels[] = {
    [CONFIG_LOG_ERROR] = { "error", "<3>" },   [CONFIG_LOG_WARNING] = { "warning", "<4>" },
    [CONFIG_LOG_NOTICE] = { "notice", "<5>" }, [CONFIG_LOG_INFO] = { "info", "<6>" },
    [CONFIG_LOG_DEBUG] = { "debug", "<7>" },
};

static void format_json(struct line *line, const struct log_line *what, const char *stamp,
                        const char *left_out)
{
    if (stamp != NULL)
        put_field(line, "time", span_of(stamp));
    put_field(line, "level", span_of(levels[what->level].name));
    put_field(line, "event", span_of(kinds[what->kind].name));
    put_field(line, "text", span_of(what->text));
    for (size_t i = 0; i < what->field_count; i++) {
        if (what->fields[i].value.len > 0)
            put_field(line, what->fields[i].key, what->fields[i].value);
    }
    if (left_out[0] != '\0')
        put_field(line, "left_out", span_of(left_out));
    line->out[line->used++] = '}';
}

static void format_text(struct line *line, const struct log_line *what, const char *stamp,
                        const char *left_out)
{
    if (stamp != NULL) {
        put_text(line, stamp);
        put_text(line, what->level <= CONFIG_LOG_WARNING ? " " : "");
        put_text(line, what->level <= CONFIG_LOG_WARNING ? levels[what->level].name : "");
        put_text(line, " ");
    } else {
        put_text(line, levels[what->level].journal);
    }
    put_words(line, what->text);
    if (left_out[0] == '\0')
        return;
    put_text(line, " (and ");
    put_text(line, left_out);
    put_text(line, " more like this, left out)");
}

size_t log_format(const struct log_line *line, enum config_log_format format, const char *stamp,
                  uint64_t left_out, char *out)
{
    struct line text = { .out = out };
    char count[24] = "";

    if (left_out > 0)
        snprintf(count, sizeof(count), "%" PRIu64, left_out);
    if (format == CONFIG_LOG_JSON)
        format_json(&text, line, stamp, count);
    else
        format_text(&text, line, stamp, count);
    out[text.used++] = '\n';
    return text.used;
}

bool log_limit_take(struct log_limit *limit, uint64_t now_s, uint64_t *out_left_out)
{
    uint64_t times = limit->times != 0 ? limit->times : 1;
    uint64_t burst = LOG_BURST * times;
    uint64_t passed_s = now_s > limit->since_s ? now_s - limit->since_s : 0;
    uint64_t refilled = passed_s >= LOG_BURST ? burst : passed_s * LOG_PER_SECOND * times;

    limit->spent = limit->spent > refilled ? limit->spent - refilled : 0;
    limit->since_s += passed_s;
    if (limit->spent >= burst) {
        limit->left_out++;
        return false;
    }
    limit->spent++;
    *out_left_out = limit->left_out;
    limit->left_out = 0;
    return true;
}
