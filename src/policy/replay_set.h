/* SPDX-License-Identifier: Apache-2.0 */
/* One outcome for all the topics that a shape stands for; for replay.c. */
#pragma once

#include "policy/replay.h"

#define REPLAY_SET_LEVELS 16   /* most levels that vary; with more it is REPLAY_PARTLY */
#define REPLAY_SET_TOPICS 4096 /* most topics that are tried; likewise */

enum replay_outcome replay_set_decide(const struct role *role, const struct sketch_entry *entry);
