/* SPDX-License-Identifier: Apache-2.0 */
/* Token buckets of one session: one per grant with a rate that it has used.
 *
 * Owner: the shard. Bounded by the number of such grants in its role. */
#pragma once

#include "base/attrs.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

struct rates; /* NULL: none used yet */

/* Takes one message out of the grant's bucket, which starts full. False: it is empty, or memory
 * is out. */
MQTT_NODISCARD bool rates_take(struct rates **rates, const struct policy_rule *grant,
                               uint64_t now_ms);

/* Forgets them all: the next message finds full buckets. */
void rates_clear(struct rates **rates);
