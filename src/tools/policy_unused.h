/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy unused`: grants and scopes that nothing recorded has used. Returns the exit
 * code. */
#pragma once

struct identity_options;

int policy_unused(const struct identity_options *options);
