/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/keep.h"

#include "core/journal_record.h"
#include "core/journal_restore.h"
#include "daemon/keep_snapshot.h"
#include "daemon/scribe.h"
#include "daemon/shard.h"
#include "daemon/wall.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define META_KEY journal_key(JOURNAL_META, 1)

/* ---- opening ---- */

static void on_damage(void *context, const struct store_damage *damage)
{
    const struct keep *keep = context;

    log_say(keep->log, CONFIG_LOG_ERROR,
            "%s/%s is damaged at byte %" PRIu64 " (%s); what stands there is lost, all else is "
            "used, and the file is kept aside later; see tacit store check",
            keep->folder, damage->segment, damage->offset, damage->what);
}

static int read_meta(void *context, const struct store_thing *thing)
{
    struct keep *keep = context;
    struct journal_meta meta;

    if (thing->key != META_KEY)
        return 1; /* it has the lowest key: there is none */
    keep->has_key = journal_meta_read(thing->bytes, &meta) == 0;
    keep->key = meta.hash_key;
    return 1;
}

static int complain(const struct keep *keep, int status)
{
    if (status == -EPROTO)
        log_say(keep->log, CONFIG_LOG_ERROR,
                "%s was written by a newer tacitd; start that one, or move the folder away to "
                "begin without what it holds",
                keep->folder);
    else if (status == -EACCES)
        log_say(keep->log, CONFIG_LOG_ERROR,
                "%s cannot be read: %s; give it to the user that runs tacitd", keep->folder,
                strerror(-status));
    else
        log_say(keep->log, CONFIG_LOG_ERROR,
                "%s cannot be read: %s; mend that, or move the folder away to begin without what "
                "it holds",
                keep->folder, strerror(-status));
    return status;
}

int keep_open(struct keep *keep, const char *folder, const struct limits *limits, struct log *log)
{
    *keep = (struct keep){ .log = log };
    (void)snprintf(keep->folder, sizeof(keep->folder), "%s", folder);
    int status = files_open(folder, &keep->files);
    if (status != 0)
        return complain(keep, status);
    const struct store_options options = {
        .files = keep->files,
        .segment_bytes = limits->store_segment_bytes / STORE_BLOCK_BYTES * STORE_BLOCK_BYTES,
        .most_bytes = limits->store_bytes,
    };
    status = store_open(&options, on_damage, keep, &keep->found, &keep->store);
    if (status != 0)
        return complain(keep, status);
    if (keep->found.torn_bytes > 0)
        log_say(log, CONFIG_LOG_INFO,
                "%s: %" PRIu64 " bytes that were never confirmed are cut off, as is usual after a "
                "crash",
                folder, keep->found.torn_bytes);
    status = store_each(keep->store, read_meta, keep);
    return status < 0 ? complain(keep, status) : 0;
}

void keep_close(struct keep *keep)
{
    store_close(keep->store);
    files_close(&keep->files);
    *keep = (struct keep){ 0 };
}

/* ---- loading ---- */

struct loading {
    struct restoring *restoring;
    uint64_t things;
    uint64_t unknown; /* of a kind or a layout of later versions */
    uint64_t senseless;
};

static int on_thing(void *context, const struct store_thing *thing)
{
    struct loading *loading = context;
    const struct journal_thing found = { thing->key, thing->body_key, thing->bytes, thing->body };
    int status = restoring_take(loading->restoring, &found);

    loading->things++;
    loading->unknown += status == -EPROTO;
    loading->senseless += status == -EBADMSG || status == -ENOENT;
    return status == -ENOMEM ? status : 0;
}

static void tell_loaded(const struct keep *keep, const struct loading *loading)
{
    if (loading->unknown > 0)
        log_say(keep->log, CONFIG_LOG_WARNING,
                "%s: %" PRIu64 " things were written by a later version; they stay on disk and "
                "are not used",
                keep->folder, loading->unknown);
    if (loading->senseless > 0 || keep->found.lost_bodies > 0)
        log_say(keep->log, CONFIG_LOG_ERROR,
                "%s: %" PRIu64 " things make no sense without what is damaged or missing, and are "
                "left out; see tacit store check",
                keep->folder, loading->senseless + keep->found.lost_bodies);
    if (loading->things > 1)
        log_say(keep->log, CONFIG_LOG_INFO,
                "%" PRIu64 " records of sessions and retained messages restored",
                loading->things - 1);
}

static int restore(struct keep *keep, struct shard *shards, struct shared *shared)
{
    struct broker *brokers[CONFIG_SHARDS_MAX];
    const uint64_t *highest = keep->found.highest;
    uint64_t most = 0;

    for (unsigned i = 0; i < shards[0].count; i++)
        brokers[i] = shards[i].broker;
    for (unsigned kind = JOURNAL_SUBSCRIPTION; kind < JOURNAL_KINDS; kind++)
        if (kind != JOURNAL_RECEIVED && kind != JOURNAL_WILL && kind != JOURNAL_RETAINED
            && highest[kind] > most)
            most = highest[kind];
    const struct restoring_options options = {
        .brokers = brokers,
        .count = shards[0].count,
        .shared = shared,
        .highest_session = highest[JOURNAL_SESSION],
        .highest = most,
        .highest_retained = highest[JOURNAL_RETAINED],
        .wall_ms = wall_now_ms(),
        .now_ms = loop_now_ms(shards[0].loop),
    };
    struct loading loading = { .restoring = restoring_begin(&options) };
    if (loading.restoring == NULL)
        return -ENOMEM;
    int status = store_each(keep->store, on_thing, &loading);
    restoring_end(loading.restoring);
    if (status == 0)
        tell_loaded(keep, &loading);
    return status;
}

/* Which shard a client identifier belongs to stays so: what is on its way between two shards is
 * found again by it. */
static void keep_key(const struct keep *keep, struct broker *broker)
{
    if (!keep->has_key)
        journal_write_meta(broker);
}

int keep_load(struct keep *keep, struct shard *shards, struct shared *shared, struct scribe *scribe)
{
    bool has_moved = false;
    int status = restore(keep, shards, shared);

    keep_key(keep, shards[0].broker);
    if (status == 0)
        status = keep_snapshot_load(keep, shards, shared, &has_moved);
    if (status == -ENOMEM)
        log_say(keep->log, CONFIG_LOG_ERROR, "out of memory while %s was read", keep->folder);
    else if (status < 0)
        (void)complain(keep, status);
    if (status != 0)
        return status;
    for (unsigned i = 0; i < shards[0].count; i++)
        broker_flush_journal(shards[i].broker);
    status = scribe_start(scribe);
    if (status == 0 && has_moved && scribe_wait(scribe) == 0)
        keep_snapshot_forget(keep);
    return status;
}
