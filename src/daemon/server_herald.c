/* SPDX-License-Identifier: Apache-2.0 */
/* Who is told of alarms: contract in server.h. */
#include "daemon/server.h"

static void on_alarm(void *context, const struct announcement *announcement)
{
    struct server *server = context;
    const struct shard *first = &server->shards[0];

    broker_publish_event(first->broker, announcement_topic(announcement),
                         announcement_object(announcement), loop_now_ms(first->loop));
    server_hook_run(server, announcement);
}

void server_start_herald(struct server *server)
{
    server_start_hook(server);
    herald_attach(server->herald, server->shards[0].loop, on_alarm, server);
}

void server_end_herald(struct server *server)
{
    if (server->herald != NULL)
        herald_attach(server->herald, NULL, NULL, NULL);
    server_close_hook(server);
}
