/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy reach`. Returns the exit code. */
#pragma once

struct identity_options;

int policy_reach(const struct identity_options *options);
