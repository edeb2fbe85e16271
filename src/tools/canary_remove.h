/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit canary remove`. */
#pragma once

struct identity_options;

int canary_remove(const struct identity_options *options);
