/* SPDX-License-Identifier: Apache-2.0 */
/* tacitd's command line. */
#pragma once

#include "base/attrs.h"
#include "config/config.h"

#include <stdbool.h>

enum options_wish {
    OPTIONS_RUN = 0,
    OPTIONS_CHECK,
    OPTIONS_HELP,
    OPTIONS_HELP_LIMITS,
    OPTIONS_VERSION,
};

/* Strings are borrowed from argv. */
struct options {
    enum options_wish wish;
    const char *config; /* NULL: look for one */
    struct config_overrides overrides;
};

/* 0; or -EINVAL with one line, what is wrong and what to do, in `out_why` of
 * DIAGNOSTIC_BYTES. */
MQTT_NODISCARD int options_parse(int argc, char *const *argv, struct options *out, char *out_why);

void options_print_help(void);
void options_print_limits(void);
