/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a place of the audit log that somebody noted elsewhere. Promise asserted: it is there
 * with white space behind it if it is without. */
#include "base/invariant.h"
#include "tools/log_noted.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct audit_noted noted, again;

    /* Exactly sized: whoever reads on is seen. */
    uint8_t *copy = malloc(len + 1);
    if (copy == NULL)
        return 0;
    if (len > 0)
        memcpy(copy + 1, data, len);
    if (log_noted_parse((struct mqtt_span){ copy + 1, len }, &noted)) {
        memmove(copy, copy + 1, len);
        copy[len] = '\n';
        MQTT_INVARIANT(log_noted_parse((struct mqtt_span){ copy, len + 1 }, &again));
        MQTT_INVARIANT(again.sequence == noted.sequence);
        MQTT_INVARIANT(memcmp(again.hash, noted.hash, sizeof(noted.hash)) == 0);
    }
    free(copy);
    return 0;
}
