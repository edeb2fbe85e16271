/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit device add`: key, certificate, registry row and profile. Return the exit code. */
#pragma once

struct identity_options;

int device_add(const struct identity_options *options);
