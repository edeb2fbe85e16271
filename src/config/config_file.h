/* SPDX-License-Identifier: Apache-2.0 */
/* Which file is the configuration: the same answer for tacitd and for the tool.
 *
 * Thread: any. */
#pragma once

#include "base/attrs.h"

#include <stddef.h>

#define CONFIG_FILE_SYSTEM "/etc/tacit/tacit.conf"

/* `named` when the operator says which, else tacit.conf in the state folder, else the system's,
 * else "": the built-in one. `state_dir` NULL: there is no state folder. -ENAMETOOLONG: `out` has
 * no room for the path and its NUL. */
MQTT_NODISCARD int config_file_find(const char *named, const char *state_dir, char *out,
                                    size_t size);
