/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of one shard, written by its thread only. Another thread may read them;
 * each is a whole word, their sum is only roughly of one moment. */
#pragma once

#include <stdint.h>

struct broker_stats {
#define STAT(name, text) uint64_t name;
#include "core/stats.def"
#undef STAT
};

/* Adds all of `from` to *sum. */
void stats_add(struct broker_stats *sum, const struct broker_stats *from);
