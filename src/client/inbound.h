/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives: packets are decoded in place in the receive buffer. */
#pragma once

#include "client/state.h"

/* Handles what lies in the receive buffer. True: *out_event is filled, and what it
 * borrows lasts until tacit_receive_more. False: more bytes are needed, or room in
 * the send buffer for an answer. */
bool tacit_handle_received(struct tacit_client *client, struct tacit_event *out_event);

/* Asks the transport. Returns bytes received, 0 for none now (or no room while an
 * answer cannot leave), negative when the connection has ended. */
int tacit_receive_more(struct tacit_client *client);
