/* SPDX-License-Identifier: Apache-2.0 */
/* Records of the audit log, on standard output. */
#pragma once

#include "base/span.h"
#include "tools/identity_options.h"

/* A line of the log, if it is wanted (tools/log_filter.h): for people, or as it is with --json. What
 * is no record is shown as it is, and said to be none. 0, or -EIO: nobody reads it any more. */
int log_print_line(const struct identity_options *options, struct mqtt_span line);
