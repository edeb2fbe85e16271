/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit group list`. Returns the exit code. */
#pragma once

struct identity_options;

int group_list(const struct identity_options *options);
