/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of `tacit ca` that change or give out what is there. They return the exit
 * code. */
#pragma once

#include "tools/identity_options.h"

int ca_keys_renew(const struct identity_options *options);
int ca_keys_export(const struct identity_options *options);
int ca_keys_seal(const struct identity_options *options);
int ca_keys_unseal(const struct identity_options *options);
