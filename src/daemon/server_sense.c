/* SPDX-License-Identifier: Apache-2.0 */
/* What was learned of behaviour before: contract in server.h. */
#include "daemon/server.h"

#include "pki/behaviour_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void complain(const struct server *server, unsigned file, int status)
{
    char path[PATH_MAX];

    if (behaviour_file_path(server->state_dir, file, path) != 0)
        return;
    log_say(server->log, CONFIG_LOG_WARNING, "%s: %s; what is missing is learned anew", path,
            status == -EBADMSG ? "damaged, or of another version" : strerror(-status));
}

/* Each shard knows which part is its own. */
static void load(struct server *server, unsigned file)
{
    uint8_t *bytes = NULL;
    size_t len = 0;
    int status = behaviour_file_read(server->state_dir, file, &bytes, &len);

    for (unsigned i = 0; status == 0 && i < server->shard_count; i++)
        status = shard_sense_load(&server->shards[i], (struct mqtt_span){ bytes, len });
    free(bytes);
    if (status != 0 && status != -ENOENT)
        complain(server, file, status);
}

void server_load_sense(struct server *server)
{
    bool has[CONFIG_SHARDS_MAX];

    if (server->config->sense.mode == CONFIG_SENSE_OFF)
        return;
    behaviour_file_find(server->state_dir, has, CONFIG_SHARDS_MAX);
    for (unsigned i = 0; i < CONFIG_SHARDS_MAX; i++)
        if (has[i])
            load(server, i);
}

void server_end_sense(struct server *server)
{
    for (unsigned i = 0; i < server->shard_count; i++)
        shard_sense_end(&server->shards[i]);
}
