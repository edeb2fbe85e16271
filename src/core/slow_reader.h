/* SPDX-License-Identifier: Apache-2.0 */
/* Clients that do not take what is sent to them are closed after limits.slow_reader_timeout_s. The
 * edge says so by client_full() of broker.h. Private to the core. Owner: the shard. */
#pragma once

#include "base/list.h"
#include "core/client.h"

#include <stdbool.h>

/* Does its connection take nothing more for now? */
static inline bool slow_reader_is(const struct client *client)
{
    return client->aside != NULL && list_is_linked(&client->aside->full);
}

/* The client goes away. */
void slow_reader_leave(struct client *client);
