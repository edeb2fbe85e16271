/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit grant add`. Returns the exit code. */
#pragma once

struct identity_options;

int grant_add(const struct identity_options *options);
