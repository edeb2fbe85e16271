/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be looked after while tacitd runs, for the keeper's thread: the revocation list of
 * our CA and the statement that is stapled for the server, the lists of other CAs, and the file of
 * who was seen when.
 *
 * Owner: the main thread before and after the keeper, the keeper in between. */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "daemon/endpoint.h"
#include "daemon/log.h"
#include "daemon/sightings.h"
#include "pki/activity.h"
#include "pki/canary_uses.h"
#include "pki/registry.h"
#include "steward/link.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* A file as it was when it was last looked at. */
struct upkeep_file {
    char *path;
    int64_t changed_ns; /* of its content; 0: it was not there */
    uint64_t inode;
    int64_t bytes;
};

struct upkeep {
    struct log *log;
    const char *state_dir;        /* borrowed */
    struct steward_link *steward; /* borrowed; who signs */
    struct registry *registry;    /* borrowed; NULL: there is none, and nothing to publish */
    struct activity *activity;    /* NULL: not open yet */
    bool is_missing_activity;     /* it cannot be opened, and that was said */
    bool is_missing_ca;           /* it cannot sign, and that was said */
    bool has_statement;           /* that is good */
    size_t file_count;
    struct upkeep_file files[SHARD_LISTENERS_MAX]; /* revocation lists of listeners */
    int64_t told_s[SHARD_LISTENERS_MAX];  /* by endpoint: of which expiry was said that it nears */
    int64_t ended_s[SHARD_LISTENERS_MAX]; /* that it is over */
};

void upkeep_fini(struct upkeep *upkeep);

/* Makes the revocation list and the stapled statement unless they are current. `*out_staples`: there
 * is a new statement, or the one before is not good any more. */
void upkeep_publish(struct upkeep *upkeep, int64_t now_s, bool *out_staples);

/* Opens the file of who was seen when, which also happens by itself; to be done while files can be made
 * in the state folder. */
void upkeep_open(struct upkeep *upkeep);

/* Has a list that a listener names changed since the last time? True at its first sight, too. */
bool upkeep_lists_changed(struct upkeep *upkeep, const struct config *config);

/* Warns of lists that are or will soon be out of date; once for each. */
void upkeep_warn(struct upkeep *upkeep, const struct config *config,
                 const struct endpoints *endpoints, int64_t now_s);

/* Takes down what was done with canaries. */
void upkeep_note_canaries(struct upkeep *upkeep, const struct canary_use *uses, size_t count,
                          uint64_t most);

/* Takes down who came and went. */
void upkeep_note(struct upkeep *upkeep, struct sightings *sightings);
