/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/forward_wire.h"

#include "audit/record.h"
#include "base/invariant.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#define FIELD_PREFIX   "TACIT_"
#define NAME_MAX_BYTES 64 /* of the journal; what is beyond it is left out there */
#define LENGTH_BYTES   8  /* of a value's length, little-endian */

/* A value is never longer than its escaped form. Each of up to AUDIT_FIELDS_BYTES / 8 fields, ,"n":"v",
 * grows by its prefix and the length of its value. */
_Static_assert(FORWARD_DATAGRAM_BYTES
                   >= AUDIT_LINE_BYTES + AUDIT_FIELDS_BYTES
                          + AUDIT_FIELDS_BYTES / 8 * (sizeof(FIELD_PREFIX) + LENGTH_BYTES) + 512,
               "a datagram holds every record");

struct datagram {
    uint8_t *bytes;
    size_t len;
};

static void put(struct datagram *to, const void *bytes, size_t len)
{
    MQTT_INVARIANT(FORWARD_DATAGRAM_BYTES - to->len >= len);
    if (len > 0)
        memcpy(to->bytes + to->len, bytes, len);
    to->len += len;
}

static void put_text(struct datagram *to, const char *text)
{
    put(to, text, strlen(text));
}

size_t forward_wire_syslog(struct mqtt_span line, long process_id, uint8_t *out)
{
    struct datagram to = { out, 0 };
    char head[48];

    (void)snprintf(head, sizeof(head), "<%d>tacitd[%ld]: ", LOG_AUTHPRIV | LOG_NOTICE, process_id);
    put_text(&to, head);
    put(&to, line.data, line.len);
    return to.len;
}

/* Its value may have any bytes: one with a newline is preceded by its length. */
static void put_field(struct datagram *to, const char *name, struct mqtt_span value)
{
    put_text(to, name);
    if (value.len > 0 && memchr(value.data, '\n', value.len) != NULL) {
        uint8_t length[LENGTH_BYTES];
        for (unsigned i = 0; i < LENGTH_BYTES; i++)
            length[i] = (uint8_t)((uint64_t)value.len >> (8 * i));
        put(to, "\n", 1);
        put(to, length, sizeof(length));
    } else {
        put(to, "=", 1);
    }
    put(to, value.data, value.len);
    put(to, "\n", 1);
}

/* The journal's names are capitals; those of records are lower case, digits and underscores. */
static void put_own_field(struct datagram *to, struct mqtt_span name, struct mqtt_span value)
{
    char own[NAME_MAX_BYTES + 1] = FIELD_PREFIX;
    char text[AUDIT_FIELDS_BYTES];
    size_t at = strlen(own);

    if (name.len > NAME_MAX_BYTES - at)
        return;
    for (size_t i = 0; i < name.len; i++) {
        char byte = (char)name.data[i];
        own[at++] = byte >= 'a' && byte <= 'z' ? (char)(byte - 'a' + 'A') : byte;
    }
    own[at] = '\0';
    size_t len = audit_fields_unescape(value, text, sizeof(text));
    put_field(to, own, (struct mqtt_span){ (const uint8_t *)text, len });
}

static void put_record(struct datagram *to, const struct audit_record *record)
{
    struct mqtt_span rest = record->fields;
    struct mqtt_span name, value;
    char sequence[24];

    (void)snprintf(sequence, sizeof(sequence), "%" PRIu64, record->sequence);
    put_field(to, "TACIT_AUDIT_SEQ", span_of(sequence));
    put_field(to, "TACIT_AUDIT_KIND", record->kind);
    put_field(to, "TACIT_AUDIT_TIME", record->time);
    while (audit_fields_next(&rest, &name, &value) == 1)
        put_own_field(to, name, value);
}

size_t forward_wire_journal(struct mqtt_span line, uint8_t *out)
{
    struct datagram to = { out, 0 };
    struct audit_record record = { 0 };
    char number[16];

    put_field(&to, "MESSAGE", line);
    (void)snprintf(number, sizeof(number), "%d", LOG_NOTICE);
    put_field(&to, "PRIORITY", span_of(number));
    (void)snprintf(number, sizeof(number), "%d", LOG_AUTHPRIV >> 3);
    put_field(&to, "SYSLOG_FACILITY", span_of(number));
    put_field(&to, "SYSLOG_IDENTIFIER", span_of("tacitd"));
    put_field(&to, "TACIT_AUDIT", span_of("1"));
    if (audit_record_parse(line, &record) == NULL)
        put_record(&to, &record);
    return to.len;
}
