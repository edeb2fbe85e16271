/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit demo botnet`: three of fifty sensors are recruited, and what becomes of that. */
#pragma once

#include "tools/identity_options.h"

/* Returns the exit code: 0 when all three were put into quarantine and nobody else was. */
int demo_botnet(const struct identity_options *options);
