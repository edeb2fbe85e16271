/* SPDX-License-Identifier: Apache-2.0 */
/* `tacit sense quarantine`, `release` and `undo`: what is done about a device because of how it
 * behaves, by hand. A running tacitd follows within a second. */
#pragma once

#include "tools/identity_options.h"

/* Each returns the exit code: 3 where the device is held because of a clone, which goes before. */
int sense_quarantine(const struct identity_options *options);
int sense_release(const struct identity_options *options);
int sense_undo(const struct identity_options *options);
