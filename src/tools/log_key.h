/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit log key`: the public key of the audit log. */
#pragma once

#include "tools/identity_options.h"

int log_key(const struct identity_options *options); /* returns the exit code */
