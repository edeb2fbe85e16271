/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/statement.h"

#include "audit/hex.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIGNED_BYTES 256

static const char *const uses[] = {
    [AUDIT_STATES_CHECKPOINT] = "checkpoint",
    [AUDIT_STATES_HEAD] = "head",
};

static struct mqtt_span signed_bytes(const struct audit_statement *statement,
                                     enum audit_statement_use use, char out[SIGNED_BYTES])
{
    char log[2 * AUDIT_ID_BYTES + 1];
    char hash[2 * AUDIT_HASH_BYTES + 1];
    int len = snprintf(out, SIGNED_BYTES, "tacit audit %s 1\n%s\n%" PRIu64 "\n%s\n%s\n", uses[use],
                       audit_hex_put(statement->log, AUDIT_ID_BYTES, log), statement->sequence,
                       audit_hex_put(statement->hash, AUDIT_HASH_BYTES, hash), statement->time);

    return (struct mqtt_span){ (const uint8_t *)out, (size_t)len };
}

int audit_statement_sign(struct audit_statement *statement, enum audit_statement_use use,
                         const struct audit_port *port)
{
    char text[SIGNED_BYTES];

    return port->sign(port->context, signed_bytes(statement, use, text), statement->signature);
}

bool audit_statement_is_signed(const struct audit_statement *statement,
                               enum audit_statement_use use, const struct audit_port *port)
{
    char text[SIGNED_BYTES];

    return port->verify(port->context, signed_bytes(statement, use, text), statement->signature);
}

size_t audit_statement_write_head(const struct audit_statement *head, char *out)
{
    char log[2 * AUDIT_ID_BYTES + 1];
    char hash[2 * AUDIT_HASH_BYTES + 1];
    char signature[2 * AUDIT_SIGNATURE_BYTES + 1];
    int len = snprintf(out, AUDIT_HEAD_BYTES,
                       "{\"log\":\"%s\",\"seq\":%" PRIu64 ",\"hash\":\"%s\",\"time\":\"%s\","
                       "\"signature\":\"%s\"}\n",
                       audit_hex_put(head->log, AUDIT_ID_BYTES, log), head->sequence,
                       audit_hex_put(head->hash, AUDIT_HASH_BYTES, hash), head->time,
                       audit_hex_put(head->signature, AUDIT_SIGNATURE_BYTES, signature));

    return (size_t)len;
}

/* The text between `before` and the next quote or comma, from *at on, which moves behind it. */
static struct mqtt_span part(const char **at, const char *before)
{
    const char *begin = strstr(*at, before);

    if (begin == NULL)
        return (struct mqtt_span){ NULL, 0 };
    begin += strlen(before);
    *at = begin + strcspn(begin, "\",");
    return (struct mqtt_span){ (const uint8_t *)begin, (size_t)(*at - begin) };
}

/* Read loosely, then compared with what would have been written. */
bool audit_statement_read_head(struct mqtt_span line, struct audit_statement *out)
{
    struct audit_statement head = { 0 };
    char text[AUDIT_HEAD_BYTES];
    char again[AUDIT_HEAD_BYTES];
    const char *at = text;

    if (line.len == 0 || line.len >= sizeof(text))
        return false;
    memcpy(text, line.data, line.len);
    text[line.len] = '\0';
    if (!audit_hex_get(part(&at, "\"log\":\""), head.log, sizeof(head.log)))
        return false;
    struct mqtt_span sequence = part(&at, "\"seq\":");
    head.sequence = sequence.len > 0 ? strtoull((const char *)sequence.data, NULL, 10) : 0;
    if (!audit_hex_get(part(&at, "\"hash\":\""), head.hash, sizeof(head.hash)))
        return false;
    struct mqtt_span time = part(&at, "\"time\":\"");
    int64_t utc_ms = 0;
    if (time.data == NULL || !audit_stamp_get(time, &utc_ms)
        || !audit_hex_get(part(&at, "\"signature\":\""), head.signature, sizeof(head.signature)))
        return false;
    memcpy(head.time, time.data, AUDIT_STAMP_LEN);
    size_t len = audit_statement_write_head(&head, again);
    if (!span_equal(line, (struct mqtt_span){ (const uint8_t *)again, len }))
        return false;
    *out = head;
    return true;
}
