/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit keys list`. */
#pragma once

struct identity_options;

int keys_list(const struct identity_options *options);
