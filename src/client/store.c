/* SPDX-License-Identifier: Apache-2.0 */
/* A message is kept under 1 + its token modulo the places there are; so its age can be
 * told from its token, and no list of what is kept needs to be. Under 0 are the
 * identifiers of QoS 2 messages that were received. */
#include "client/store.h"

#include "client/outbound.h"

#include <string.h>

#define INBOUND_ID 0u

static uint32_t place_of(const struct tacit_client *client, uint32_t token)
{
    return 1 + token % client->config->store->messages;
}

bool tacit_store_has_place(const struct tacit_client *client, uint32_t token)
{
    const struct tacit_record *record = tacit_queue_next(&client->queue, NULL);
    for (; record != NULL; record = tacit_queue_next(&client->queue, record))
        if (record->qos > 0 && record->token != token
            && place_of(client, record->token) == place_of(client, token))
            return false;
    return true;
}

bool tacit_store_keep(struct tacit_client *client, const struct tacit_record *record)
{
    const struct tacit_store *store = client->config->store;
    struct tacit_record head = *record;
    struct tacit_bytes pieces[] = {
        { &head, sizeof(head) },
        { record + 1, (size_t)record->topic_len + record->properties_len + record->payload_len },
    };
    unsigned count = 2;
    /* The server has it: what is left to do needs no more than the identifier. */
    if (record->state == TACIT_RECORD_RELEASED) {
        head.topic_len = 0;
        head.properties_len = 0;
        head.payload_len = 0;
        head.has_expiry = 0;
        count = 1;
    }
    return store->put(store->context, place_of(client, record->token), pieces, count) == TACIT_OK;
}

bool tacit_store_drop(struct tacit_client *client, const struct tacit_record *record)
{
    const struct tacit_store *store = client->config->store;
    return store->del(store->context, place_of(client, record->token)) == TACIT_OK;
}

bool tacit_store_keep_inbound(struct tacit_client *client)
{
    const struct tacit_store *store = client->config->store;
    struct tacit_bytes ids = { client->inbound, client->inbound_count * sizeof(uint16_t) };
    return store->put(store->context, INBOUND_ID, &ids, 1) == TACIT_OK;
}
