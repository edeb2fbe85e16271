/* SPDX-License-Identifier: Apache-2.0 */
/* TLS handshakes: who may go on with its own, and when. Inside net/ only.
 *
 * Owner: the net's thread. A handshake costs a private key's operation, so that nothing is spent on
 * a connection before its whole ClientHello is there, which waits in the kernel; and each turn takes
 * limits.handshakes_per_turn steps only, at its end, and a single one when something has come from
 * those who are in. The others wait, not watched, in a queue that needs no bound of its own: it is
 * made of guests (porch.h). */
#pragma once

#include "net/connection.h"

void handshake_open(struct net *net);

/* A connection before CONNECTING can be read. False: later, or it is freed. */
bool handshake_is_due(struct connection *connection);

/* Ciphertext was fed. True when the handshake is over and the connection goes on; false: it is not
 * over, or the connection is ending or freed. */
bool handshake_step(struct connection *connection);

/* At the end of a turn, when what the others wait for is sent: serves those who wait. */
void handshake_serve(struct net *net);
