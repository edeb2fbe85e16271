/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit log show`: the records of the audit log. */
#pragma once

#include "tools/identity_options.h"

int log_show(const struct identity_options *options); /* returns the exit code */
