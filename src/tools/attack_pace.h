/* SPDX-License-Identifier: Apache-2.0 */
/* At most so many connections a second, all checks together, though they run in processes of their
 * own: the next free moment stands in memory that they share. */
#pragma once

#include "base/attrs.h"

#include <stdint.h>

struct attack_pace;

/* NULL when out of memory. `per_s` is at least 1. */
struct attack_pace *attack_pace_new(uint32_t per_s);
void attack_pace_free(struct attack_pace *pace);

/* Sleeps until one more connection may be opened. */
void attack_pace_wait(struct attack_pace *pace);

/* Sleeps. */
void attack_pace_sleep(uint32_t ms);
