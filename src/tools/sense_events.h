/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense events`: what was found, from the audit log. */
#pragma once

#include "tools/identity_options.h"

int sense_events(const struct identity_options *options); /* returns the exit code */
