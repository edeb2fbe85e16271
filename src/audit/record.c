/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/record.h"

#include "audit/hex.h"
#include "audit/stamp.h"
#include "base/decimal.h"
#include "base/invariant.h"

#include <string.h>

/* What stands between the parts of a line, in its order. */
static const char opening[] = "{\"seq\":";
static const char before_time[] = ",\"time\":\"";
static const char before_kind[] = "\",\"kind\":\"";
static const char before_prev[] = ",\"prev\":\"";
static const char before_hash[] = "\",\"hash\":\"";
static const char ending[] = "\"}";

#define HEX_LEN  (2 * AUDIT_HASH_BYTES)
#define TAIL_LEN (sizeof(before_prev) - 1 + HEX_LEN + sizeof(before_hash) - 1 + HEX_LEN + 2)

/* No leading zero, and not 0. */
static bool take_number(struct mqtt_span *rest, uint64_t *out)
{
    uint64_t value = 0;
    size_t len = 0;

    for (; len < rest->len && rest->data[len] >= '0' && rest->data[len] <= '9'; len++) {
        unsigned digit = rest->data[len] - (unsigned)'0';
        if (len >= DECIMAL_DIGITS_MAX || value > (UINT64_MAX - digit) / 10
            || (len == 0 && digit == 0))
            return false;
        value = value * 10 + digit;
    }
    (void)span_take(rest, len);
    *out = value;
    return len > 0;
}

static bool take_kind(struct mqtt_span *rest, struct mqtt_span *out)
{
    size_t len = 0;

    while (len < rest->len
           && ((rest->data[len] >= 'a' && rest->data[len] <= 'z') || rest->data[len] == '-'))
        len++;
    *out = span_take(rest, len);
    return len > 0 && len <= AUDIT_KIND_BYTES;
}

/* The two hashes at the end; the line is long enough. */
static bool read_tail(struct mqtt_span tail, struct audit_record *out)
{
    return span_skip(&tail, before_prev)
           && audit_hex_get(span_take(&tail, HEX_LEN), out->prev, sizeof(out->prev))
           && span_skip(&tail, before_hash)
           && audit_hex_get(span_take(&tail, HEX_LEN), out->hash, sizeof(out->hash))
           && span_equal(tail, span_of(ending));
}

static bool are_fields(struct mqtt_span fields)
{
    struct mqtt_span name, value;
    int more = audit_fields_next(&fields, &name, &value);

    while (more == 1)
        more = audit_fields_next(&fields, &name, &value);
    return more == 0;
}

const char *audit_record_parse(struct mqtt_span line, struct audit_record *out)
{
    struct audit_record record = { 0 };
    struct mqtt_span rest = line;
    int64_t utc_ms = 0;

    if (line.len >= AUDIT_LINE_BYTES)
        return "it is too long";
    if (!span_skip(&rest, opening) || !take_number(&rest, &record.sequence))
        return "it has no sequence number";
    if (!span_skip(&rest, before_time))
        return "it has no time";
    record.time = span_take(&rest, AUDIT_STAMP_LEN);
    if (!audit_stamp_get(record.time, &utc_ms))
        return "its time is none";
    if (!span_skip(&rest, before_kind) || !take_kind(&rest, &record.kind)
        || !span_skip(&rest, "\""))
        return "it has no kind";
    if (rest.len < TAIL_LEN)
        return "it is cut off";
    record.fields = span_take(&rest, rest.len - TAIL_LEN);
    if (!read_tail(rest, &record))
        return "it does not end with the hashes";
    if (!are_fields(record.fields))
        return "a field of it is none";
    /* The comma before "hash" is the second byte of before_hash. */
    size_t behind = sizeof(before_hash) - 1 - 1 + HEX_LEN + sizeof(ending) - 1;
    record.hashed = (struct mqtt_span){ line.data, line.len - behind };
    *out = record;
    return NULL;
}

bool audit_record_is_whole(const struct audit_record *record, const struct audit_port *port)
{
    uint8_t hash[AUDIT_HASH_BYTES];

    port->hash(port->context, record->hashed, hash);
    return memcmp(hash, record->hash, sizeof(hash)) == 0;
}

/* ---- writing ---- */

/* Where the next byte of a line goes. There is room for the longest, which the callers see to. */
static char *put(char *at, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(at, bytes, len);
    return at + len;
}

static char *put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *put_hash(char *at, const uint8_t hash[AUDIT_HASH_BYTES])
{
    char hex[HEX_LEN + 1];

    return put(at, audit_hex_put(hash, AUDIT_HASH_BYTES, hex), HEX_LEN);
}

size_t audit_record_write(const struct audit_entry *entry, const struct audit_port *port,
                          uint8_t chain[AUDIT_HASH_BYTES], char *out)
{
    char stamp[AUDIT_STAMP_SIZE];

    MQTT_INVARIANT(entry->fields.len <= AUDIT_FIELDS_BYTES);
    MQTT_INVARIANT(strlen(entry->kind) <= AUDIT_KIND_BYTES);
    char *at = decimal_put(put_text(out, opening), entry->sequence);
    at = put_text(put_text(at, before_time), audit_stamp_put(entry->utc_ms, stamp));
    at = put_text(put_text(at, before_kind), entry->kind);
    at = put(put_text(at, "\""), entry->fields.data, entry->fields.len);
    at = put_text(put_hash(put_text(at, before_prev), chain), "\"");
    port->hash(port->context, (struct mqtt_span){ (const uint8_t *)out, (size_t)(at - out) },
               chain);
    at = put_text(put_hash(put_text(at, before_hash + 1), chain), ending);
    at = put_text(at, "\n");
    return (size_t)(at - out);
}
