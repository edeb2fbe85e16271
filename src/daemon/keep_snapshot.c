/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keep_snapshot.h"

#include "core/journal_restore.h"
#include "core/persist.h"
#include "daemon/keep.h"
#include "daemon/shard.h"
#include "daemon/wall.h"
#include "store/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define SNAPSHOT_NAME "snapshot"
#define UNUSED_NAME   "snapshot.unused"

struct loading {
    struct shard *shards;
    struct shared *shared;
    int64_t wall_ms;
    uint64_t now_ms;
    uint64_t unknown; /* records not understood */
};

static int on_record(void *context, struct mqtt_span record, int64_t created_ms)
{
    struct loading *loading = context;
    /* A wall clock that was set back: nobody was away. */
    int64_t away = loading->wall_ms - created_ms;
    uint64_t away_ms = away > 0 ? (uint64_t)away : 0;
    int home = persist_record_home(loading->shards[0].broker, record);
    int status = -EINVAL;

    if (home == -1)
        status = shared_load(loading->shared, record, away_ms, loading->now_ms);
    else if (home >= 0 && (unsigned)home < loading->shards[0].count)
        status = broker_load(loading->shards[home].broker, record, away_ms, loading->now_ms);
    if (status != -EINVAL)
        return status;
    loading->unknown++;
    return 0;
}

/* Nothing is thrown away that somebody may miss. */
static int set_aside(const struct keep *keep)
{
    int status = keep->files.rename(keep->files.context, SNAPSHOT_NAME, UNUSED_NAME);

    if (status == -ENOENT)
        return 0;
    if (status == 0)
        log_say(keep->log, CONFIG_LOG_WARNING,
                "%s/" SNAPSHOT_NAME " is of an earlier tacitd than the log beside it, which is "
                "used; the file is kept as " UNUSED_NAME,
                keep->folder);
    else
        log_say(keep->log, CONFIG_LOG_WARNING,
                "%s/" SNAPSHOT_NAME " is not used and cannot be renamed: %s", keep->folder,
                strerror(-status));
    return 0;
}

static int tell(const struct keep *keep, const char *path, int status,
                const struct snapshot_report *report)
{
    if (status == -EBADMSG) {
        log_say(keep->log, CONFIG_LOG_ERROR,
                "%s is damaged at byte %" PRIu64 " (%s); %" PRIu64
                " records before that are used, the file is kept as %s",
                path, report->damage_offset, report->damage, report->record_count,
                report->kept_aside);
        return 0;
    }
    if (status == -EPROTO)
        log_say(keep->log, CONFIG_LOG_ERROR,
                "%s was written by a newer tacitd; start that one, or move the file away", path);
    else if (status != 0)
        log_say(keep->log, CONFIG_LOG_ERROR, "%s cannot be read: %s", path, strerror(-status));
    else
        log_say(keep->log, CONFIG_LOG_NOTICE,
                "%" PRIu64 " records of sessions and retained messages of an earlier version are "
                "moved into the log",
                report->record_count);
    return status;
}

int keep_snapshot_load(struct keep *keep, struct shard *shards, struct shared *shared,
                       bool *out_has_moved)
{
    struct broker *brokers[CONFIG_SHARDS_MAX];
    char path[PATH_MAX + sizeof(SNAPSHOT_NAME) + 1];
    struct snapshot_report report = { 0 };
    struct loading loading = {
        .shards = shards,
        .shared = shared,
        .wall_ms = wall_now_ms(),
        .now_ms = loop_now_ms(shards[0].loop),
    };

    if (keep->has_key)
        return set_aside(keep);
    (void)snprintf(path, sizeof(path), "%s/" SNAPSHOT_NAME, keep->folder);
    int status = snapshot_read(path, on_record, &loading, &report);
    if (status == -ENOENT)
        return 0;
    if (loading.unknown > 0)
        log_say(keep->log, CONFIG_LOG_WARNING,
                "%s: %" PRIu64 " records are not understood and left out", path, loading.unknown);
    *out_has_moved = status == 0;
    status = tell(keep, path, status, &report);
    for (unsigned i = 0; i < shards[0].count; i++) {
        brokers[i] = shards[i].broker;
        journal_everything(brokers[i]);
    }
    journal_join(brokers, shards[0].count);
    return status;
}

void keep_snapshot_forget(const struct keep *keep)
{
    int status = keep->files.remove(keep->files.context, SNAPSHOT_NAME);

    if (status == 0)
        status = keep->files.sync_folder(keep->files.context);
    if (status != 0)
        log_say(keep->log, CONFIG_LOG_WARNING,
                "%s/" SNAPSHOT_NAME " has been moved into the log and cannot be removed: %s",
                keep->folder, strerror(-status));
}
