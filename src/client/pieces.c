/* SPDX-License-Identifier: Apache-2.0 */
#include "client/pieces.h"

#include "client/outbound.h"

#include <tacit/pieces.h>

/* The message whose payload is under way in pieces, or NULL. */
static const struct tacit_record *under_way(const struct tacit_client *client)
{
    const struct tacit_record *record = tacit_streaming(client);
    return record != NULL && tacit_record_is_in_pieces(record) ? record : NULL;
}

void tacit_ask_for_piece(struct tacit_client *client)
{
    struct tacit_event *event = client->event;
    const struct tacit_record *record = under_way(client);
    if (record == NULL || client->asked || client->send.passed < 0)
        return;
    client->asked = true;
    event->type = TACIT_EVENT_WANTED;
    event->token = record->token;
    event->offset = tacit_streamed(client);
    event->total = record->payload_len;
}

enum tacit_status tacit_publish_begin(struct tacit_client *client,
                                      const struct tacit_message *message, uint32_t *out_token)
{
    if (!TACIT_PIECES || message->qos > 1)
        return TACIT_ARGUMENT;
    return tacit_enqueue(client, message, message->payload.len > 0, out_token);
}

enum tacit_status tacit_publish_part(struct tacit_client *client, uint32_t token, uint32_t offset,
                                     struct tacit_bytes piece, size_t *out_taken)
{
    const struct tacit_record *record = under_way(client);
    *out_taken = 0;
    if (record == NULL || record->token != token || record->state != TACIT_RECORD_SENT
        || offset != tacit_streamed(client) || piece.len > record->payload_len - offset)
        return TACIT_ARGUMENT;
    int taken = piece.len > 0 ? tacit_send_piece(client, piece) : 0;
    client->asked = taken < (int)piece.len;
    if (taken < 0)
        return TACIT_IO;
    *out_taken = (size_t)taken;
    return client->asked ? TACIT_AGAIN : TACIT_OK;
}
