/* SPDX-License-Identifier: Apache-2.0 */
/* What a configuration needs of the file system, as plans for confine_prepare(): one for tacitd, one
 * for its steward (confine_plan_steward.c). */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "confine/confine.h"

struct confine_plan_made {
    struct confine_plan plan; /* borrows from below */
    struct confine_path *paths;
    size_t count;
    char *closed; /* the state folder without links, in tacitd's plan; NULL: none */
    const char
        *revealed; /* sandbox-read or sandbox-write that has the CA's keys in it; NULL: none */
    bool is_short; /* of memory */
};

/* For tacitd: what it works with in the state folder, which exists, and what the configuration names.
 * A file comes with its folder, and with that of the file that a symbolic link stands for, so that one
 * that is put in its place is found by a reload; but not where the folder is everybody's, as /etc is,
 * or has the state folder in it: there only the file of now is readable. The keys of the CA and of the
 * first admin, and what opens them, are not in it. -ENOMEM; *out is to be given back in any case. */
MQTT_NODISCARD int confine_plan_make(const struct config *config, const char *state_dir,
                                     struct confine_plan_made *out);

/* For the steward: ca/ and what opens the keys in it; the server certificate and the copies in trust/,
 * which it writes; and the files of the configuration, which it reads for tacitd. No sockets. */
MQTT_NODISCARD int confine_plan_make_steward(const struct config *config, const char *state_dir,
                                             struct confine_plan_made *out);
void confine_plan_fini(struct confine_plan_made *made);

/* A folder that others keep their files in as well. `folder` is absolute. */
bool confine_plan_is_shared(const char *folder);

/* ---- parts, for the other files of the plans ---- */

void confine_plan_add(struct confine_plan_made *made, const char *path, enum confine_access access);

/* What is in the state folder under that name. */
void confine_plan_add_state(struct confine_plan_made *made, const char *state_dir, const char *name,
                            enum confine_access access);

/* With its folders: a named_files_visit. */
void confine_plan_add_named(void *made, const char *path, enum confine_access access);

/* What that variable of the environment names, to read. */
void confine_plan_add_variable(struct confine_plan_made *made, const char *name);

/* What every process needs. */
void confine_plan_add_system(struct confine_plan_made *made);

/* 0, or -ENOMEM where something could not be added. */
MQTT_NODISCARD int confine_plan_finish(struct confine_plan_made *made);
