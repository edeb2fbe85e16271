/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense explain`: what is known of a device or a role, and why it was told of. */
#pragma once

#include "tools/identity_options.h"

int sense_explain_what(const struct identity_options *options);
