/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense events`: what was found and done; `tacit sense dry-run`: what would have been done.
 * Both from the audit log. */
#pragma once

#include "tools/identity_options.h"

/* Each returns the exit code. */
int sense_events(const struct identity_options *options);
int sense_dry_run(const struct identity_options *options);
