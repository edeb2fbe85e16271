/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration needs of the file system, as a plan for confine_prepare(). */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "confine/confine.h"

struct confine_plan_made {
    struct confine_plan plan; /* borrows from below */
    struct confine_path *paths;
    size_t count;
    bool is_short; /* of memory */
};

/* The state folder and what the configuration names. A file comes with its folder, and with that
 * of the file that a symbolic link stands for, so that one that is put in its place is found by a
 * reload; but not where the folder is everybody's, as /etc is: there only the file of now is
 * readable. -ENOMEM; *out is to be given back in any case. */
MQTT_NODISCARD int confine_plan_make(const struct config *config, const char *state_dir,
                                     struct confine_plan_made *out);
void confine_plan_fini(struct confine_plan_made *made);

/* A folder that others keep their files in as well. `folder` is absolute. */
bool confine_plan_is_shared(const char *folder);
