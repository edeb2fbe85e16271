/* SPDX-License-Identifier: Apache-2.0 */
/* The programs that are installed, or were built, beside this one. */
#pragma once

#include "base/attrs.h"

#include <stddef.h>

/* The path of `name` in the folder of this program. -ENOENT: it is not there, or cannot be run. */
MQTT_NODISCARD int neighbour_find(const char *name, char *out, size_t size);
