/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy replay`: what another configuration would have refused of what was recorded.
 * Returns the exit code. */
#pragma once

struct identity_options;

int policy_replay(const struct identity_options *options);
