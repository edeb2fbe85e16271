/* SPDX-License-Identifier: Apache-2.0 */
/* tacit key check: what is known about the keys in files. */
#pragma once

#include "tools/identity_options.h"

/* Returns the exit code; IDENTITY_EXIT_FOUND when a key is weak or blocked. */
int key_check(const struct identity_options *options);
