/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit audit devices`. Returns the exit code. */
#pragma once

#define AUDIT_EXIT_FINDINGS 3

struct identity_options;

int audit_devices(const struct identity_options *options);
