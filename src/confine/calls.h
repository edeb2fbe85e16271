/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of system calls, made of calls.def by libseccomp. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>

/* Puts the filter in force for all threads there are and will be; *out is how many system calls it
 * allows. `loads_modules` as in struct confine_plan. Needs no-new-privileges. Negative errno:
 * nothing is in force. */
MQTT_NODISCARD int calls_enter(bool loads_modules, unsigned *out);

/* The same without putting it in force: -ENOMEM, or what libseccomp said. */
MQTT_NODISCARD int calls_count(unsigned *out);

/* Does this kernel have filters? Negative errno. */
MQTT_NODISCARD int calls_look(void);
