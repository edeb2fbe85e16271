/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/server.h"

#include <stdlib.h>

void server_note_canaries(struct server *server, const struct config *config)
{
    struct canary_use *uses = calloc(ALARM_WAITING, sizeof(*uses));

    /* Out of memory: they wait. */
    if (uses == NULL)
        return;
    size_t count = alarm_take(server->alarm, uses);
    if (count > 0)
        upkeep_note_canaries(&server->upkeep.care, uses, count, config->limits.canary_records);
    free(uses);
}
