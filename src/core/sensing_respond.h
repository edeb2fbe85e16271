/* SPDX-License-Identifier: Apache-2.0 */
/* What is done about an identity of which an alarm was told. Private to the core.
 *
 * Owner: the shard. One step after the other, each told (sensing_port.respond), each ending by
 * itself when the alarm is over:
 *
 *   throttle    whoever attacks is read no faster than twice of what is usual for it
 *   quarantine  evidence that no throttle takes away, which has grown in two further windows
 *   protect     whoever is attacked: what was begun against it ends
 *
 * Nothing is done about many who are surprised together, which has one cause, unless one of them
 * reaches for much more than the others, nor about anybody of
 * whom sensing_port.may says so. What strangers do is booked to where they come from, and so
 * cannot lead here. */
#pragma once

#include "core/sensed.h"
#include "policy/policy.h"

/* The next step, if it is time for one. Call for those whose response.is_called, from a timer: the
 * clients may be held afterwards. */
void sensing_respond(struct sensing *sensing, struct sensed *sensed, uint64_t now_ms);

/* Bits of what no throttle takes away: of reaching for something else, not for more of the same. */
float sensing_reach(const struct sense_standing *standing);

/* Ends what was begun, without a word. */
void sensing_relent(struct sensed *sensed);

/* Narrows the bounds of a session's identity to those of its throttle. `session` may be NULL. */
void sensing_curb(const struct session *session, struct policy_bounds *bounds);
