/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit passwd --list`: the accounts, without their secrets. */
#pragma once

struct identity_options;

int passwd_list(const struct identity_options *options);
