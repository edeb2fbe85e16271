/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit log verify`: is the audit log whole? */
#pragma once

#include "tools/identity_options.h"

int log_verify(const struct identity_options *options); /* returns the exit code */
