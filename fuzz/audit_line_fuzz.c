/* SPDX-License-Identifier: Apache-2.0 */
/* Any line as a record of the audit log: what is accepted is the one way to write what it says, so
 * that written again it is the same bytes, but for the hash, which is made anew. */
#include "audit/record.h"
#include "audit/stamp.h"
#include "base/invariant.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void hash(void *context, struct mqtt_span bytes, uint8_t out[AUDIT_HASH_BYTES])
{
    (void)context;
    memset(out, (int)(bytes.len & 0xffu), AUDIT_HASH_BYTES);
}

static void write_again(const struct audit_record *record, struct mqtt_span line)
{
    static char again[AUDIT_LINE_BYTES];
    const struct audit_port port = { .hash = hash };
    char kind[AUDIT_KIND_BYTES + 1] = "";
    uint8_t chain[AUDIT_HASH_BYTES];
    struct audit_entry entry = { .sequence = record->sequence, .kind = kind };

    if (record->fields.len > AUDIT_FIELDS_BYTES)
        return;
    memcpy(kind, record->kind.data, record->kind.len);
    memcpy(chain, record->prev, sizeof(chain));
    entry.fields = record->fields;
    MQTT_INVARIANT(audit_stamp_get(record->time, &entry.utc_ms));
    size_t len = audit_record_write(&entry, &port, chain, again);
    MQTT_INVARIANT(len == line.len + 1);
    MQTT_INVARIANT(memcmp(again, line.data, record->hashed.len) == 0);
}

static void look_at_fields(struct mqtt_span fields)
{
    struct mqtt_span name, value;
    char text[64];

    while (audit_fields_next(&fields, &name, &value) == 1) {
        MQTT_INVARIANT(name.len > 0 && value.len > 0);
        MQTT_INVARIANT(audit_fields_unescape(value, text, sizeof(text)) < sizeof(text));
    }
    MQTT_INVARIANT(fields.len == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct audit_record record;

    /* Exactly sized: whoever reads on is seen. */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (copy == NULL)
        return 0;
    if (size > 0)
        memcpy(copy, data, size);
    struct mqtt_span line = { copy, size };
    if (audit_record_parse(line, &record) == NULL) {
        look_at_fields(record.fields);
        write_again(&record, line);
    }
    free(copy);
    return 0;
}
