/* SPDX-License-Identifier: Apache-2.0 */
/* What is to survive a reboot: the calls into the application's tacit_store. Without
 * one, and in a build without stores, nothing is kept and all of them succeed. */
#pragma once

#include "client/state.h"

static inline bool tacit_has_store(const struct tacit_client *client)
{
    return TACIT_STORES && client->config->store != NULL;
}

/* Messages of QoS 0 are not kept, nor those whose payload the client does not have. */
static inline bool tacit_store_keeps(const struct tacit_client *client,
                                     const struct tacit_record *record)
{
    return tacit_has_store(client) && record->qos > 0 && !tacit_record_is_in_pieces(record);
}

/* May a message with that token be kept? Not while an older one has its place. */
bool tacit_store_has_place(const struct tacit_client *client, uint32_t token);

/* All false if the store failed. Keeps a message as it is now. */
bool tacit_store_keep(struct tacit_client *client, const struct tacit_record *record);
bool tacit_store_drop(struct tacit_client *client, const struct tacit_record *record);

/* Keeps the first `count` entries of tacit_inbound. */
bool tacit_store_keep_inbound(struct tacit_client *client, uint32_t count);

static inline bool tacit_store_message(struct tacit_client *client,
                                       const struct tacit_record *record)
{
    return !tacit_store_keeps(client, record) || tacit_store_keep(client, record);
}

static inline bool tacit_store_forget(struct tacit_client *client,
                                      const struct tacit_record *record)
{
    return !tacit_store_keeps(client, record) || tacit_store_drop(client, record);
}

static inline bool tacit_store_inbound(struct tacit_client *client, uint32_t count)
{
    return !tacit_has_store(client) || tacit_store_keep_inbound(client, count);
}
