/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit store check`: is every frame of the log whole? */
#pragma once

#include "tools/identity_options.h"

int store_check(const struct identity_options *options); /* returns the exit code */
