/* SPDX-License-Identifier: Apache-2.0 */
/* The store in $SYS: state, size, and how long it takes until something is confirmed. */
#pragma once

#include "core/broker.h"
#include "daemon/scribe.h"

#include <stdint.h>

/* On the broker's thread. */
void sys_store_publish(struct broker *broker, const struct scribe_figures *figures,
                       uint64_t now_ms);

/* Upper bound of the bucket in which that share (of 1000) of all latencies has come; 0: none yet.
 * Microseconds. */
uint64_t sys_store_quantile_us(const struct scribe_figures *figures, unsigned share);
