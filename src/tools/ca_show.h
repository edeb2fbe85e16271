/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit ca show`: what the CA of a state folder consists of. Returns the exit code. */
#pragma once

#include "tools/identity_options.h"

int ca_show(const struct identity_options *options);
