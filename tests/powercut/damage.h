/* SPDX-License-Identifier: Apache-2.0 */
/* What if the disk spoils bytes that were confirmed long ago? */
#pragma once

#include "powercut/trial.h"

/* Spoils a frame, the head of a segment, or takes a whole segment away, on the disk of a trial
 * whose store is closed and had confirmed everything. Opened again, it has to report that and serve
 * everything that does not depend on what was spoilt. The trial is over then. */
void damage_try(struct trial *trial);
