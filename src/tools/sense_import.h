/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense import`: models of another broker take the place of what was learned here. */
#pragma once

#include "tools/identity_options.h"

int sense_import(const struct identity_options *options);
