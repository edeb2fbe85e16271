/* SPDX-License-Identifier: Apache-2.0 */
/* Every order of steps from a world on. Worlds that differ in names only, of secrets and of
 * connections, are one: what follows from them is the same, and is counted, not done again. */
#pragma once

#include "ratchet/world.h"

#include <stddef.h>

__extension__ typedef unsigned __int128 explore_count;

struct explore_result {
    explore_count interleavings;
    explore_count missed;       /* forks */
    explore_count false_alarms; /* and devices that are not let in, though they are alone */
    size_t worlds;
};

/* Of `depth` steps each, fewer where there is an alarm. Exits where there is no memory. */
struct explore_result explore(const struct world *first, unsigned depth);
