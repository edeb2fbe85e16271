/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit group add`, `remove`, `role` and `unrole`. Return the exit code. */
#pragma once

struct identity_options;

int group_change_add(const struct identity_options *options);
int group_change_remove(const struct identity_options *options);
int group_change_role(const struct identity_options *options);
int group_change_unrole(const struct identity_options *options);
