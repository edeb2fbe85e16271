/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the checks, each in a process of its own: what a hostile broker does to one of them ends
 * that one, and none can take longer than it may. */
#pragma once

#include "tools/attack_check.h"

#include <stdbool.h>

/* Fills `out`, one finding for each row of the table. Progress goes to standard error. */
void attack_run_all(const struct attack_env *env, struct attack_finding *out);

/* Why this check cannot run, in *out as ATTACK_SKIPPED; false: it can. */
bool attack_run_is_skipped(const struct attack_env *env, const struct attack_check *check,
                           struct attack_finding *out);
