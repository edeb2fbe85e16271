/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit canary add`. */
#pragma once

struct identity_options;

int canary_add(const struct identity_options *options);
