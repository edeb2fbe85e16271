/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit device set`: another role, tenant or site. Returns the exit code. */
#pragma once

struct identity_options;

int device_set(const struct identity_options *options);
