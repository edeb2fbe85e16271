/* SPDX-License-Identifier: Apache-2.0 */
/* What must be so in every shard of a world between two turns, whatever clients have done. */
#pragma once

struct world;

/* Counts are those of what is counted, packet identifiers are unique and in their place, windows
 * and queues lie within their bounds, what points at each other does so from both sides, and the
 * indexes say what a look at every subscription says. */
void broker_check(const struct world *world);

/* Ends every connection and every session; then the pools are empty and nobody is interested in
 * anything. */
void broker_check_end(struct world *world);
