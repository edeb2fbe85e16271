/* SPDX-License-Identifier: Apache-2.0 */
/* A server that says which other one to use, MQTT 5.0 section 4.11. */
#pragma once

#include "client/state.h"

/* The connection ends so: does the next one go to the server that the event names? Only as often as
 * the configuration allows; a connection that lasted starts the count anew. */
bool tacit_is_redirected(struct tacit_client *client, enum tacit_status status, uint8_t reason);

/* Where the next connection goes. */
static inline struct tacit_bytes tacit_server(const struct tacit_client *client, uint16_t *out_port)
{
    *out_port = client->config->port;
    if (!TACIT_REDIRECTS || client->redirect.host_len == 0)
        return client->config->host;
    *out_port = client->redirect.port;
    return (struct tacit_bytes){ client->receive.memory + client->redirect.host_at,
                                 client->redirect.host_len };
}
