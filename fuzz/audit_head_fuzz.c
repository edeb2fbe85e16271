/* SPDX-License-Identifier: Apache-2.0 */
/* Any line as the head of an audit log. Promise asserted: what is accepted is the one way to write
 * what it says. */
#include "audit/statement.h"
#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct audit_statement head;
    char again[AUDIT_HEAD_BYTES];

    /* Exactly sized: whoever reads on is seen. */
    uint8_t *copy = malloc(len > 0 ? len : 1);
    if (copy == NULL)
        return 0;
    if (len > 0)
        memcpy(copy, data, len);
    if (audit_statement_read_head((struct mqtt_span){ copy, len }, &head)) {
        MQTT_INVARIANT(audit_statement_write_head(&head, again) == len);
        MQTT_INVARIANT(memcmp(again, copy, len) == 0);
    }
    free(copy);
    return 0;
}
