/* SPDX-License-Identifier: Apache-2.0 */
/* What is done by those who have not proved who they are: booked to the place that they come from,
 * and to all of them together. Private to the core. Owner: the shard. */
#pragma once

#include "sense/source.h"

#include <stdint.h>

struct sensing;

/* Where a connection comes from; 0: nowhere that could be told from elsewhere. */
uint64_t sensing_source_place(const struct sensing *sensing, const void *facts);

/* One more of these from there; tells if it is time. */
void sensing_source_count(struct sensing *sensing, const void *facts,
                          enum sense_source_feature feature, uint64_t now_ms);

/* Once a second: quiet windows count as well. */
void sensing_source_tick(struct sensing *sensing, uint64_t now_ms);
