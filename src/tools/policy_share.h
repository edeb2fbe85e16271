/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy share`. Returns the exit code. */
#pragma once

struct identity_options;

int policy_share(const struct identity_options *options);
