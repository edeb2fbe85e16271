/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that have not proved themselves, and who was refused before its CONNECT, in $SYS. */
#pragma once

#include "core/broker.h"
#include "net/net.h"
#include "net/porch.h"

#include <stdint.h>

/* On the broker's thread. `refused`: of all shards since the start, by enum net_refusal. */
void sys_porch_publish(struct broker *broker, const struct porch_figures *figures,
                       const uint64_t refused[NET_REFUSAL_COUNT], uint64_t now_ms);
