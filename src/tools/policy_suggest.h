/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy suggest`: the configuration with roles that grant what was recorded and no more.
 * Returns the exit code. */
#pragma once

struct identity_options;

int policy_suggest(const struct identity_options *options);
