/* SPDX-License-Identifier: Apache-2.0 */
/* Payloads that the application hands over in pieces. */
#pragma once

#include "client/state.h"

/* tacit_publish, and with `in_pieces` all of it but the payload. */
enum tacit_status tacit_enqueue(struct tacit_client *client, const struct tacit_message *message,
                                bool in_pieces, uint32_t *out_token);

/* The event WANTED, if a payload is under way whose head has left. Before the transport is asked for
 * what has come, which may wait; but not twice without a poll in between that had no event, unless
 * all of the last piece left: an application that has nothing now, or whose transport takes nothing,
 * may sleep then, and what comes is read. */
void tacit_ask_for_piece(struct tacit_client *client);
