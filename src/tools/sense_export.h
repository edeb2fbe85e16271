/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense export`: what was learned, for other brokers. */
#pragma once

#include "tools/identity_options.h"

int sense_export(const struct identity_options *options);
