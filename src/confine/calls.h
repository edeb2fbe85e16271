/* SPDX-License-Identifier: Apache-2.0 */
/* The filter of system calls, made of calls.def by libseccomp. */
#pragma once

#include "base/attrs.h"

#include <stdbool.h>

/* As in struct confine_plan. */
struct calls_wanted {
    bool has_network;
    bool loads_modules;
};

/* Puts the filter in force for all threads there are and will be; *out is how many system calls it
 * allows. Needs no-new-privileges. Negative errno: nothing is in force. */
MQTT_NODISCARD int calls_enter(const struct calls_wanted *wanted, unsigned *out);

/* How many a process with a network may make: -ENOMEM, or what libseccomp said. */
MQTT_NODISCARD int calls_count(unsigned *out);

/* Does this kernel have filters? Negative errno. */
MQTT_NODISCARD int calls_look(void);
