/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit device token`, `tokens` and `cancel`, and `tacit device add --token-only`: one-time tokens.
 * Return the exit code. */
#pragma once

struct identity_options;

int device_token_make(const struct identity_options *options);
int device_token_list(const struct identity_options *options);
int device_token_cancel(const struct identity_options *options);

/* For a device that there is not yet: names, role and kind are checked already. */
int device_token_introduce(const struct identity_options *options);
