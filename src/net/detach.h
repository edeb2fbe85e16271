/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that leave OpenSSL (tls_stream_detach): those that have been idle for
 * limits.tls_detach_idle_ms, or all that stay, as their listener says. Inside net/ only.
 *
 * Owner: the net's thread. Nothing is kept for it in a connection but some bits: in rounds, four in
 * that time, each that is still with OpenSSL is looked at. So much is done between two turns
 * that nobody has to wait for it. */
#pragma once

#include <stdbool.h>

struct connection;
struct net;

void detach_open(struct net *net);
void detach_close(struct net *net); /* there are no connections any more */

/* It has been let in: that counts, and not the handshake, since whoever judges a client may ask for
 * what only OpenSSL knows (tls_stream_export). */
void detach_welcome(struct connection *connection);

/* More has come from it, and it has a passage still. Where all leave, now is the time: who only connects
 * and goes has not paid for it. Who says nothing leaves in one of the rounds. */
void detach_heard(struct connection *connection);

/* At the end of a turn, when its output has been sent. */
void detach_turn(struct net *net);
