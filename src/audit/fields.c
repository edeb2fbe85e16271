/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/fields.h"

#include "audit/hex.h"
#include "base/invariant.h"
#include "codec/utf8.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define ESCAPE_LEN 6 /* \u00NN */

static const char cut_mark[] = ",\"cut\":\"yes\"";

#define ROOM (AUDIT_FIELDS_BYTES - (sizeof(cut_mark) - 1))

static bool is_plain(uint8_t byte)
{
    return byte >= 0x20 && byte != 0x7f && byte != '"' && byte != '\\';
}

static bool put(struct audit_fields *fields, const void *bytes, size_t len)
{
    if (fields->len + len > ROOM)
        return false;
    memcpy(fields->text + fields->len, bytes, len);
    fields->len += len;
    return true;
}

static struct mqtt_span cut(struct audit_fields *fields, struct mqtt_span value)
{
    if (value.len <= AUDIT_VALUE_BYTES)
        return value;
    fields->is_cut = true;
    value.len = AUDIT_VALUE_BYTES;
    while (value.len > 0 && (value.data[value.len] & 0xc0u) == 0x80u)
        value.len--;
    return value;
}

/* Returns the first byte that is not itself. */
static size_t plain_len(struct mqtt_span value, size_t from, bool is_utf8)
{
    size_t at = from;

    while (at < value.len && is_plain(value.data[at]) && (value.data[at] < 0x80 || is_utf8))
        at++;
    return at;
}

static void escape_byte(uint8_t byte, char out[ESCAPE_LEN])
{
    char hex[3];

    memcpy(out, "\\u00", 4);
    memcpy(out + 4, audit_hex_put(&byte, 1, hex), 2);
}

size_t audit_fields_escape(struct mqtt_span value, char *out, size_t size, bool *out_is_cut)
{
    bool is_utf8 = mqtt_utf8_is_valid(value);
    size_t len = 0;

    *out_is_cut = false;
    for (size_t at = 0; at < value.len && !*out_is_cut;) {
        /* Nearly always all of it: connections are not to wait for a record longer than for a copy. */
        size_t end = plain_len(value, at, is_utf8);
        size_t part = end - at <= size - len ? end - at : size - len;
        if (part > 0)
            memcpy(out + len, value.data + at, part);
        len += part;
        *out_is_cut = part < end - at || (end < value.len && size - len < ESCAPE_LEN);
        if (end < value.len && !*out_is_cut) {
            escape_byte(value.data[end], out + len);
            len += ESCAPE_LEN;
        }
        at = end + 1;
    }
    return len;
}

static bool put_value(struct audit_fields *fields, struct mqtt_span value)
{
    bool is_cut;

    fields->len +=
        audit_fields_escape(value, fields->text + fields->len, ROOM - fields->len, &is_cut);
    return !is_cut;
}

static bool is_of_name(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9') || byte == '_';
}

static size_t name_len(const char *text, size_t most)
{
    size_t len = 0;

    while (len < most && is_of_name(text[len]))
        len++;
    return len;
}

void audit_fields_add(struct audit_fields *fields, const char *name, struct mqtt_span value)
{
    size_t before = fields->len;

    /* What is written here has to be read again. */
    MQTT_INVARIANT(name[0] != '\0' && name_len(name, strlen(name)) == strlen(name));
    if (value.len == 0)
        return;
    bool is_put = put(fields, ",\"", 2) && put(fields, name, strlen(name))
                  && put(fields, "\":\"", 3) && put_value(fields, cut(fields, value))
                  && put(fields, "\"", 1);
    if (is_put)
        return;
    fields->len = before;
    fields->is_cut = true;
}

void audit_fields_add_text(struct audit_fields *fields, const char *name, const char *value)
{
    audit_fields_add(fields, name, span_of(value));
}

void audit_fields_add_number(struct audit_fields *fields, const char *name, uint64_t value)
{
    char text[24];

    (void)snprintf(text, sizeof(text), "%" PRIu64, value);
    audit_fields_add_text(fields, name, text);
}

struct mqtt_span audit_fields_end(struct audit_fields *fields)
{
    if (fields->is_cut) {
        memcpy(fields->text + fields->len, cut_mark, sizeof(cut_mark) - 1);
        fields->len += sizeof(cut_mark) - 1;
        fields->is_cut = false;
    }
    return (struct mqtt_span){ (const uint8_t *)fields->text, fields->len };
}

/* ---- reading ---- */

/* Of a byte that has to be escaped: there is one way to write each. */
static bool read_escape(struct mqtt_span at, uint8_t *out)
{
    uint8_t byte;

    if (at.len < ESCAPE_LEN || memcmp(at.data, "\\u00", 4) != 0)
        return false;
    if (!audit_hex_get((struct mqtt_span){ at.data + 4, 2 }, &byte, 1)
        || (byte < 0x80 && is_plain(byte)))
        return false;
    *out = byte;
    return true;
}

/* Up to its closing quote. False: it has none, or is written in another way. */
static bool take_value(struct mqtt_span *rest, struct mqtt_span *out)
{
    uint8_t byte;
    size_t len = 0;

    while (len < rest->len && rest->data[len] != '"') {
        struct mqtt_span at = { rest->data + len, rest->len - len };
        if (is_plain(at.data[0]))
            len++;
        else if (read_escape(at, &byte))
            len += ESCAPE_LEN;
        else
            return false;
    }
    if (len == rest->len || len == 0)
        return false;
    *out = span_take(rest, len);
    return mqtt_utf8_is_valid(*out) && span_skip(rest, "\"");
}

int audit_fields_next(struct mqtt_span *rest, struct mqtt_span *out_name,
                      struct mqtt_span *out_value)
{
    struct mqtt_span at = *rest;
    if (at.len == 0)
        return 0;
    if (!span_skip(&at, ",\""))
        return -EBADMSG;
    size_t len = name_len((const char *)at.data, at.len);
    struct mqtt_span name = span_take(&at, len);
    struct mqtt_span value;
    if (len == 0 || !span_skip(&at, "\":\"") || !take_value(&at, &value))
        return -EBADMSG;
    *out_name = name;
    *out_value = value;
    *rest = at;
    return 1;
}

struct mqtt_span audit_fields_find(struct mqtt_span fields, const char *name)
{
    struct mqtt_span wanted = span_of(name);
    struct mqtt_span found, value;

    while (audit_fields_next(&fields, &found, &value) == 1)
        if (span_equal(found, wanted))
            return value;
    return (struct mqtt_span){ NULL, 0 };
}

size_t audit_fields_unescape(struct mqtt_span value, char *out, size_t size)
{
    size_t len = 0;

    while (value.len > 0 && len + 1 < size) {
        uint8_t byte = value.data[0];
        bool escapes = read_escape(value, &byte);
        (void)span_take(&value, escapes ? ESCAPE_LEN : 1);
        out[len++] = (char)byte;
    }
    out[len] = '\0';
    return len;
}
