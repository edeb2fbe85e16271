/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit keys migrate`. */
#pragma once

struct identity_options;

int keys_migrate(const struct identity_options *options);
