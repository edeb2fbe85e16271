/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of the program fleet. */
#pragma once

#include "bench/sense/fleet.h"

enum fleet_wish {
    FLEET_COMPLAIN, /* what was given is no plan */
    FLEET_RUN,
    FLEET_HELP,
    FLEET_LIST,
};

struct fleet_options {
    struct fleet_plan plan;
    const char *truth;     /* borrowed from the command line; NULL: none is wanted */
    const char *complaint; /* with FLEET_COMPLAIN: why */
    const char *about;     /* alike: which argument, borrowed */
};

enum fleet_wish fleet_options_read(int argc, char *const *argv, struct fleet_options *out);

extern const char fleet_options_help[];
