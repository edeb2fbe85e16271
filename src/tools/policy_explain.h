/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit policy explain`. Returns the exit code. */
#pragma once

struct identity_options;

int policy_explain(const struct identity_options *options);
