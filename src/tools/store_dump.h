/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit store dump`: what the log holds. */
#pragma once

#include "tools/identity_options.h"

int store_dump(const struct identity_options *options); /* returns the exit code */
