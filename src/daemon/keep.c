/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keep.h"

#include "store/snapshot.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

static int64_t wall_clock_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int keep_save(const char *path, struct shard *shards, struct shared *shared, struct log *log)
{
    struct snapshot_writer *writer = NULL;
    uint64_t now_ms = loop_now_ms(shards[0].loop);
    int status = snapshot_writer_open(path, wall_clock_ms(), &writer);

    if (status == 0)
        status = shared_save(shared, now_ms, snapshot_writer_add, writer);
    for (unsigned i = 0; i < shards[0].count && status == 0; i++)
        status = broker_save(shards[i].broker, now_ms, snapshot_writer_add, writer);
    if (status != 0)
        snapshot_writer_abort(writer);
    else
        status = snapshot_writer_commit(writer);
    if (status != 0)
        log_say(log, CONFIG_LOG_ERROR,
                "%s: sessions and retained messages could not be kept: %s; the ones of the last "
                "stop are still there",
                path, strerror(-status));
    return status;
}

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

int keep_load(const char *path, struct shard *shards, struct shared *shared, struct log *log)
{
    struct loading loading = {
        .shards = shards,
        .shared = shared,
        .wall_ms = wall_clock_ms(),
        .now_ms = loop_now_ms(shards[0].loop),
    };
    struct snapshot_report report = { 0 };
    int status = snapshot_read(path, on_record, &loading, &report);

    if (status == -ENOENT)
        return 0;
    if (loading.unknown > 0)
        log_say(log, CONFIG_LOG_WARNING, "%s: %" PRIu64 " records are not understood and left out",
                path, loading.unknown);
    if (status == -EBADMSG) {
        log_say(log, CONFIG_LOG_ERROR,
                "%s is damaged at byte %" PRIu64 " (%s); %" PRIu64
                " records before that are used, the file is kept as %s",
                path, report.damage_offset, report.damage, report.record_count, report.kept_aside);
        return 0;
    }
    if (status == -EPROTO)
        log_say(log, CONFIG_LOG_ERROR,
                "%s was written by a newer tacitd; start that one, or move the file away", path);
    else if (status != 0)
        log_say(log, CONFIG_LOG_ERROR, "%s cannot be read: %s", path, strerror(-status));
    else
        log_say(log, CONFIG_LOG_INFO,
                "%" PRIu64 " records of sessions and retained messages restored",
                report.record_count);
    return status;
}
