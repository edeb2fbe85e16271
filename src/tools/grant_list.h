/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit grant list` and `tacit grant remove`. Return the exit code. */
#pragma once

struct identity_options;

int grant_list(const struct identity_options *options);
int grant_list_remove(const struct identity_options *options);
