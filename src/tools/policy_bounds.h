/* SPDX-License-Identifier: Apache-2.0 */
/* What a role says of how much may be used up: all of its max-* keys. */
#pragma once

#include "policy/policy.h"

#include <jansson.h>

/* One line for each key that the role says, to standard output. */
void policy_bounds_print(const struct policy_bounds *bounds);

/* By the names of the keys, with underscores: {"count", "seconds"}, "unlimited", a number of bytes, or
 * null where the role says nothing. The caller's; NULL: out of memory. */
json_t *policy_bounds_json(const struct policy_bounds *bounds);
