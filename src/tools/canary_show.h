/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit canary list` and `tacit canary show`. */
#pragma once

struct identity_options;

int canary_list(const struct identity_options *options);
int canary_show(const struct identity_options *options);
