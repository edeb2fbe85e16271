/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit device show` and `tacit device list`. Return the exit code. */
#pragma once

struct identity_options;

int device_show(const struct identity_options *options);
int device_show_all(const struct identity_options *options);
