/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense status`: what was learned, from the files of the shards. */
#pragma once

#include "tools/identity_options.h"

int sense_status(const struct identity_options *options); /* returns the exit code */
