/* SPDX-License-Identifier: Apache-2.0 */
/* What is to happen to a fleet, as it is written on the command line:
 *
 *   spec     = name [":" intensity] "@" time ["+" time] *(":" option)
 *   option   = "devices=" number | "persona=" name
 *   time     = 1*(number unit)          since the start, or how long
 *   unit     = "s" | "m" | "h" | "d"
 *
 * as in R6:x10@36h+10m:devices=3 and restart@1d12h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FLEET_DEVICES_MAX 60000u /* of a fleet, and so of what is asked for */

struct fleet_spec {
    char name[24];
    char intensity[24]; /* empty: none is given */
    int64_t at_us;      /* since the start */
    int64_t for_us;     /* 0: none is given */
    uint32_t devices;   /* 0: none is given */
    unsigned persona;   /* its number, 0: none is given */
};

/* False: it is not of that form; *out is untouched. */
bool fleet_spec_parse(const char *text, struct fleet_spec *out);

/* A time by itself. False: it is none, and *out_us is untouched. */
bool fleet_spec_time(const char *text, int64_t *out_us);
