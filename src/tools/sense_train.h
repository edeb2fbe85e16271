/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense train`. */
#pragma once

#include "tools/identity_options.h"

int sense_train(const struct identity_options *options);
