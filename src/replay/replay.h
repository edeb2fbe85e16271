/* SPDX-License-Identifier: Apache-2.0 */
/* Event files through the detector: the training files three times, as the phases of a role want
 * it, then the test files once. Each file, and each run of a file, is a time of its own: what
 * happens between them is not known, and is held against nobody. */
#pragma once

#include "base/attrs.h"
#include "replay/fleet.h"
#include "replay/trace.h"
#include "sense/crowd.h"
#include "sense/explain.h"
#include "sense/group.h"
#include "sense/role.h"
#include "sense/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REPLAY_VERDICTS 2u /* attacking and attacked */

enum replay_kind {
    REPLAY_DEVICE,
    REPLAY_SOURCE,
    REPLAY_GROUP,
};

/* What is told of; borrowed for the call. */
struct replay_alarm {
    enum replay_kind kind;
    enum sense_verdict verdict;
    const char *path;
    struct mqtt_span run;
    uint64_t time_ms;
    const struct fleet_device *device; /* of a group: the one with the most evidence; else NULL */
    const char *source;                /* of a source; "" is the listener */
    const struct sense_source_standing *standing;
    const struct sense_member *devices; /* of a group, strongest first; fleet_device owns each */
    size_t devices_count;
    uint32_t surprised; /* devices of the same verdict, this one too */
    uint32_t here;
    bool again; /* of a group that was told of, with those who have joined it */
};

struct replay {
    struct sense_role role;
    struct sense_sources sources;
    struct sense_group groups[REPLAY_VERDICTS];
    struct fleet fleet;
    const char *path;     /* of the trace that runs */
    struct mqtt_span run; /* of the trace that runs */
    uint64_t now_ms;
    uint64_t run_ms;   /* when it began */
    uint64_t group_ms; /* when groups are counted next */
    bool expects;      /* the trained devices are expected in this run */
    void (*tell)(const struct replay *replay, const struct replay_alarm *alarm, void *context);
    void *context;
};

/* On the heap: some 200 KiB. NULL: no memory. */
struct replay *replay_new(void (*tell)(const struct replay *, const struct replay_alarm *, void *),
                          void *context);
void replay_free(struct replay *replay);

/* The phases in their order; the caller runs all training files in each of the first three. */
void replay_enter(struct replay *replay, enum sense_phase phase);

/* What was learned so far, by a copy: replay_return() forgets everything since, so that files do not
 * teach what the next one is judged by. NULL: no memory. */
struct replay_kept;
MQTT_NODISCARD struct replay_kept *replay_keep(const struct replay *replay);
void replay_return(struct replay *replay, const struct replay_kept *kept);
void replay_kept_free(struct replay_kept *kept); /* NULL: nothing happens */

/* One file, of `path` for what is told. */
void replay_run(struct replay *replay, const char *path, const struct trace *trace);
