/* SPDX-License-Identifier: Apache-2.0 */
/* The log of a state folder, for those who read it. */
#pragma once

#include "base/attrs.h"
#include "pki/state.h"
#include "store/files.h"
#include "store/scan.h"
#include "tools/identity_options.h"

struct store_place {
    const struct identity_options *options; /* borrowed */
    char path[STATE_PATH_SIZE];
    struct files files;
};

/* 0, or the exit code after saying on standard error what is wrong. */
MQTT_NODISCARD int store_place_open(const struct identity_options *options,
                                    struct store_place *out);
void store_place_close(struct store_place *place);

/* store_scan(), which takes a while: a terminal is told how far it is. The last words on standard
 * error are for the caller: nothing was said of the result. */
MQTT_NODISCARD int store_place_scan(const struct store_place *place, const struct scan_hooks *hooks,
                                    struct scan_summary *out);

/* Says why a scan has ended so, a negative errno. Returns the exit code. */
int store_place_fail(const struct store_place *place, int error);
