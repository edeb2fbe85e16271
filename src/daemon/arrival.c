/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/arrival.h"

#include "audit/hex.h"
#include "base/invariant.h"

static void add(struct log_line *line, const char *key, const char *value)
{
    line->fields[line->field_count++] = (struct log_field){ key, span_of(value) };
}

void arrival_add(struct log_line *line, const struct tls_agreed *tls, struct arrival_text *text)
{
    MQTT_INVARIANT(line->field_count + ARRIVAL_FIELDS <= LOG_FIELDS_MAX);
    if (tls == NULL)
        return;
    if (tls->version != NULL) {
        add(line, "tls", tls->version);
        add(line, "cipher", tls->cipher);
        add(line, "resumed", tls->is_resumed ? "yes" : "no");
    }
    if (tls->has_print)
        add(line, "client_hello", audit_hex_put(tls->print, sizeof(tls->print), text->print));
}
