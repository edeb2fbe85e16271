/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses that are blocked, and the tools: contract in server.h. */
#include "daemon/server.h"

#include "daemon/event_sense.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int server_open_bar(struct server *server, const struct siphash_key *key)
{
    server->bar.bar = bar_new(key, &server->config->limits);
    server->bar.shown = UINT64_MAX; /* what another process has left is not so any more */
    return server->bar.bar != NULL ? 0 : -ENOMEM;
}

void server_close_bar(struct server *server)
{
    bar_free(server->bar.bar);
    server->bar.bar = NULL;
}

static struct bar_now now_of(void)
{
    return (struct bar_now){ loop_clock_ns() / 1000000, server_now_s() };
}

static void on_pardon(void *context, const struct barred_place *place, uint32_t for_s)
{
    const struct server *server = context;
    const struct bar_now now = now_of();
    bool was_barred = bar_pardon(server->bar.bar, place, for_s, &now);

    event_sense_unblocked(server->log, place, was_barred, now.s + (int64_t)for_s);
}

static int show(const struct server *server)
{
    size_t count = 0;
    struct barred *all = bar_list(server->bar.bar, now_of().ms, &count);
    int status = all != NULL ? barred_write(server->state_dir, all, count) : -ENOMEM;

    free(all);
    return status;
}

void server_keep_bar(struct server *server)
{
    struct server_bar *own = &server->bar;

    barred_take(server->state_dir, on_pardon, server);
    uint64_t version = bar_version(own->bar);
    if (version == own->shown)
        return;
    int status = show(server);
    if (status == 0)
        own->shown = version;
    if (status != 0 && !own->is_failing)
        log_say(server->log, CONFIG_LOG_WARNING,
                "tacit sense status does not see which addresses are blocked: %s",
                strerror(-status));
    own->is_failing = status != 0;
}
