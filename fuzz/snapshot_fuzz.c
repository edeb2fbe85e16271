/* SPDX-License-Identifier: Apache-2.0 */
/* A snapshot file that anybody may have written. Promises asserted: records lie within the
 * file and are as many as reported; a file that reads as whole, written again from its
 * records, is the same file. */
#include "base/invariant.h"
#include "store/snapshot.h"
#include "store/snapshot_writer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FOLDER "/dev/shm"

struct tally {
    uint64_t count;
    size_t bytes;
    struct snapshot_writer *again;
};

static int on_record(void *context, struct mqtt_span record, int64_t created_ms)
{
    struct tally *tally = context;
    (void)created_ms;
    tally->count++;
    tally->bytes += record.len;
    return snapshot_writer_add(tally->again, record);
}

static void write_file(const char *path, const uint8_t *data, size_t len)
{
    FILE *f = fopen(path, "w");
    MQTT_INVARIANT(f != NULL);
    MQTT_INVARIANT(fwrite(data, 1, len, f) == len);
    MQTT_INVARIANT(fclose(f) == 0);
}

static void compare_file(const char *path, const uint8_t *data, size_t len)
{
    uint8_t *bytes = malloc(len + 1);
    FILE *f = fopen(path, "r");
    MQTT_INVARIANT(bytes != NULL && f != NULL);
    MQTT_INVARIANT(fread(bytes, 1, len + 1, f) == len);
    /* Version, and the reserved word after it, are not the writer's choice. */
    MQTT_INVARIANT(memcmp(bytes + 28, data + 28, len - 28) == 0);
    (void)fclose(f);
    free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char path[64];
    char again[72];
    struct snapshot_report report = { 0 };
    struct tally tally = { 0 };
    (void)snprintf(path, sizeof(path), FOLDER "/tacit-fuzz-%d", (int)getpid());
    (void)snprintf(again, sizeof(again), "%s-again", path);
    write_file(path, data, len);
    MQTT_INVARIANT(snapshot_writer_open(again, 0, &tally.again) == 0);

    int result = snapshot_read(path, on_record, &tally, &report);
    MQTT_INVARIANT(result == 0 || result == -EBADMSG || result == -EPROTO);
    MQTT_INVARIANT(tally.count == report.record_count && tally.bytes <= len);
    MQTT_INVARIANT((result == -EBADMSG) == (report.damage != NULL));
    MQTT_INVARIANT(report.damage_offset <= len);
    if (result == 0) {
        MQTT_INVARIANT(snapshot_writer_commit(tally.again) == 0);
        compare_file(again, data, len);
        (void)unlink(again);
    } else {
        snapshot_writer_abort(tally.again);
    }
    (void)unlink(report.kept_aside[0] != '\0' ? report.kept_aside : path);
    return 0;
}
