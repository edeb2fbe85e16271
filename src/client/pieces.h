/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads that the application hands over in pieces. */
#pragma once

#include "client/state.h"

/* tacit_publish, and with `in_pieces` all of it but the payload. */
enum tacit_status tacit_enqueue(struct tacit_client *client, const struct tacit_message *message,
                                bool in_pieces, uint32_t *out_token);

/* The event WANTED, if a payload is under way whose head has left. Not twice in a row, so that an
 * application that has nothing now, or whose transport takes nothing, may sleep in between. */
bool tacit_ask_for_piece(struct tacit_client *client, struct tacit_event *out_event);
