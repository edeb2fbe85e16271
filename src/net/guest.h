/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that have not been let in yet: their part in net/porch.h. Inside net/ only.
 *
 * Owner: the net's thread. connection->guest is 0 from the moment on at which it is let in. */
#pragma once

#include "net/connection.h"
#include "net/porch.h"

/* One has been accepted. 0: refused, reported, to be closed. *out_is_over: once it has entered
 * the net, guest_yield(PORCH_PLACES) has to follow. */
uint32_t guest_admit(struct net *net, const struct connection_start *start, bool *out_is_over);

/* Into, or out of, the net's list. */
void guest_enter(struct connection *connection);
void guest_step_aside(struct connection *connection);

/* It is gone. Its links are not touched any more. */
void guest_leave(struct connection *connection);

/* Its client is connected: it is no guest any more. */
void guest_let_in(struct connection *connection);

/* Counts what it holds. False: there was too much in all, and this is the one that had to go: it is
 * freed. No guest is fine. */
bool guest_hold(struct connection *connection);

/* There are too many: one of the net goes, or of the shard that has the most, which is told so.
 * False when it was this one, which is freed. */
bool guest_yield(struct connection *connection, enum porch_want want);

/* Arms the timer of a new one, or of one that has changed its net. */
void guest_watch_time(struct connection *connection);
