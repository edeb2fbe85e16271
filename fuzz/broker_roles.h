/* SPDX-License-Identifier: Apache-2.0 */
/* Roles of the policies that the world of broker_fuzz.c comes under. */
#pragma once

#include "policy/policy.h"

#include <stdint.h>

/* May do everything. */
void roles_add_wide(struct policy *policy, const char *name);

/* The role "all": may publish everything and read little, with grants, a scope and a denial. */
void roles_add_narrow(struct policy *policy, uint8_t how);

/* May do everything but read some topics, which are denied by patterns that overlap with each other
 * and with what is asked for: one bit of `how` each. */
void roles_add_carved(struct policy *policy, const char *name, uint8_t how);
