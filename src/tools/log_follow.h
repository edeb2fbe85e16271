/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit log follow`: what comes into the audit log. */
#pragma once

#include "tools/identity_options.h"

int log_follow(const struct identity_options *options); /* returns the exit code */
