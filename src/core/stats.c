/* SPDX-License-Identifier: Apache-2.0 */
#include "core/stats.h"

/* Another thread may be counting: the relaxed load keeps each word whole. */
void stats_add(struct broker_stats *sum, const struct broker_stats *from)
{
#define STAT(name, text) sum->name += __atomic_load_n(&from->name, __ATOMIC_RELAXED);
#include "core/stats.def"
#undef STAT
}
