/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy check`. Returns the exit code. */
#pragma once

struct identity_options;

int policy_check(const struct identity_options *options);
