/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/million/disk.h"

#include "base/attrs.h"
#include "bench/ground.h"
#include "core/journal_restore.h"

#include <stdlib.h>
#include <time.h>

#define MOST_BYTES (UINT64_C(1) << 40)

struct disk_frame {
    struct store_frame frame;
    uint64_t number;
    uint8_t *bytes;
};

void disk_open(struct disk *disk, const char *folder)
{
    *disk = (struct disk){ .progress = { .state = JOURNAL_OPEN } };
    must(files_open(folder, &disk->files) == 0, "the folder cannot be used");
    const struct limits limits = limits_default();
    const struct store_options options = { .files = disk->files,
                                           .segment_bytes = limits.store_segment_bytes,
                                           .most_bytes = MOST_BYTES };
    must(store_open(&options, NULL, NULL, &disk->found, &disk->store) == 0,
         "the store cannot be opened");
}

static void on_submit(void *context, unsigned shard, uint64_t number, uint8_t *bytes, size_t len)
{
    struct disk *disk = context;
    struct disk_frame *frame = malloc(sizeof(*frame));

    (void)shard;
    must(frame != NULL, "out of memory");
    *frame = (struct disk_frame){ .frame = { .ops = { bytes, len } }, number, bytes };
    if (disk->last != NULL)
        disk->last->next = &frame->frame;
    else
        disk->first = &frame->frame;
    disk->last = &frame->frame;
}

static void on_broken(void *context, unsigned shard)
{
    (void)context;
    (void)shard;
    must(false, "out of memory");
}

struct journal_port disk_port(struct disk *disk)
{
    return (struct journal_port){ disk, on_submit, on_broken };
}

static void take_confirmed(struct disk *disk)
{
    struct store_frame *next = store_take_confirmed(disk->store);

    while (next != NULL) {
        struct disk_frame *frame = MQTT_CONTAINER_OF(next, struct disk_frame, frame);
        next = next->next;
        if (frame->number > 0)
            disk->progress.confirmed = frame->number;
        disk->progress.confirmed_bytes += frame->frame.ops.len;
        free(frame->bytes);
        free(frame);
    }
    disk->progress.written = disk->progress.confirmed;
}

void disk_settle(struct disk *disk, struct broker *broker, uint64_t now_ms)
{
    broker_flush_journal(broker);
    if (disk->first == NULL)
        return;
    must(store_write(disk->store, disk->first) == 0 && store_sync(disk->store) == 0,
         "the disk refuses");
    disk->first = NULL;
    disk->last = NULL;
    take_confirmed(disk);
    broker_confirm(broker, &disk->progress, now_ms);
    (void)store_tend(disk->store);
}

struct reading {
    struct restoring *restoring;
    uint64_t things;
};

static int on_thing(void *context, const struct store_thing *thing)
{
    struct reading *reading = context;
    const struct journal_thing found = { thing->key, thing->body_key, thing->bytes, thing->body };

    reading->things++;
    return restoring_take(reading->restoring, &found);
}

uint64_t disk_restore(struct disk *disk, struct broker *broker, struct shared *shared,
                      uint64_t now_ms)
{
    uint64_t highest = 0;

    for (unsigned kind = 0; kind < JOURNAL_KINDS; kind++)
        highest = disk->found.highest[kind] > highest ? disk->found.highest[kind] : highest;
    const struct restoring_options options = {
        .brokers = &broker,
        .count = 1,
        .shared = shared,
        .highest_session = highest,
        .highest = highest,
        .highest_retained = highest,
        .wall_ms = (int64_t)time(NULL) * 1000,
        .now_ms = now_ms,
    };
    struct reading reading = { .restoring = restoring_begin(&options) };
    must(reading.restoring != NULL, "out of memory");
    must(store_each(disk->store, on_thing, &reading) == 0, "what is kept makes no sense");
    restoring_end(reading.restoring);
    return reading.things;
}

void disk_close(struct disk *disk)
{
    store_close(disk->store);
    files_close(&disk->files);
}
