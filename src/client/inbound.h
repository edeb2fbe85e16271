/* SPDX-License-Identifier: Apache-2.0 */
/* What arrives: packets are decoded in place in the receive buffer. */
#pragma once

#include "client/state.h"

/* Handles what lies in the receive buffer, until there is an event, which may borrow from it until
 * tacit_receive_more, or until more bytes are needed, or room in the send buffer for an answer. */
void tacit_handle_received(struct tacit_client *client);

/* Asks the transport. Returns bytes received, 0 for none now (or no room while an
 * answer cannot leave), negative when the connection has ended. */
int tacit_receive_more(struct tacit_client *client);
