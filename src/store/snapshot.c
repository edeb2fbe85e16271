/* SPDX-License-Identifier: Apache-2.0 */
#include "store/snapshot.h"

#include "store/checksum.h"
#include "store/snapshot_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_ASIDE_MAX 10000

struct reading {
    FILE *file;
    uint64_t file_bytes;
    uint64_t at; /* offset of what is read next */
    uint8_t *buffer;
    size_t buffer_bytes;
    uint32_t frames_check;
    struct snapshot_report report;
};

static int damaged(struct reading *r, const char *what)
{
    r->report.damage = what;
    r->report.damage_offset = r->at;
    return -EBADMSG;
}

/* Exactly `len` bytes, which the file was seen to have. */
static int get_bytes(struct reading *r, uint8_t *out, size_t len)
{
    if (len > 0 && fread(out, 1, len, r->file) != len)
        return ferror(r->file) ? -EIO : damaged(r, "the file became shorter while it was read");
    return 0;
}

static int read_header(struct reading *r)
{
    uint8_t bytes[SNAPSHOT_FORMAT_HEADER_BYTES];
    struct snapshot_header header;
    if (r->file_bytes < sizeof(bytes))
        return damaged(r, "the file ends within its header");
    int error = get_bytes(r, bytes, sizeof(bytes));
    if (error < 0)
        return error;
    const char *why = snapshot_format_read_header(bytes, &header);
    if (why != NULL)
        return damaged(r, why);
    r->report.created_ms = header.created_ms;
    if (header.version > SNAPSHOT_VERSION)
        return -EPROTO;
    if (header.version == 0)
        return damaged(r, "the version is 0");
    r->at = sizeof(bytes);
    return 0;
}

static int reserve(struct reading *r, size_t len)
{
    if (len <= r->buffer_bytes)
        return 0;
    uint8_t *larger = realloc(r->buffer, len);
    if (larger == NULL)
        return -ENOMEM;
    r->buffer = larger;
    r->buffer_bytes = len;
    return 0;
}

/* The record after its frame. What the length claims is allocated only if the file has it. */
static int read_record(struct reading *r, const uint8_t *frame_bytes, snapshot_visit visit,
                       void *context)
{
    struct snapshot_frame frame = snapshot_format_read_frame(frame_bytes);
    if (frame.record_bytes > SNAPSHOT_RECORD_MAX_BYTES)
        return damaged(r, "a record has an impossible length");
    if (r->file_bytes - r->at - SNAPSHOT_FORMAT_FRAME_BYTES < frame.record_bytes)
        return damaged(r, "the file ends within a record");
    int error = reserve(r, frame.record_bytes);
    if (error == 0)
        error = get_bytes(r, r->buffer, frame.record_bytes);
    if (error < 0)
        return error;
    if (snapshot_format_record_check(r->buffer, frame.record_bytes) != frame.check)
        return damaged(r, "a record's check sum is wrong");

    r->frames_check = checksum_crc32c(
        r->frames_check, (struct mqtt_span){ frame_bytes, SNAPSHOT_FORMAT_FRAME_BYTES });
    r->at += SNAPSHOT_FORMAT_FRAME_BYTES + frame.record_bytes;
    r->report.record_count++;
    return visit(context, (struct mqtt_span){ r->buffer, frame.record_bytes },
                 r->report.created_ms);
}

/* `bytes` has as much of the trailer as a frame is long. */
static int read_trailer(struct reading *r, uint8_t bytes[SNAPSHOT_FORMAT_TRAILER_BYTES])
{
    struct snapshot_trailer trailer;
    uint64_t rest = r->file_bytes - r->at;
    if (rest < SNAPSHOT_FORMAT_TRAILER_BYTES)
        return damaged(r, "the file ends within its trailer");
    int error = get_bytes(r, bytes + SNAPSHOT_FORMAT_FRAME_BYTES,
                          SNAPSHOT_FORMAT_TRAILER_BYTES - SNAPSHOT_FORMAT_FRAME_BYTES);
    if (error < 0)
        return error;
    const char *why = snapshot_format_read_trailer(bytes, &trailer);
    if (why != NULL)
        return damaged(r, why);
    if (trailer.record_count != r->report.record_count || trailer.frames_check != r->frames_check)
        return damaged(r, "records are missing or not in their order");
    if (rest > SNAPSHOT_FORMAT_TRAILER_BYTES) {
        r->at += SNAPSHOT_FORMAT_TRAILER_BYTES;
        return damaged(r, "there is something after the trailer");
    }
    return 0;
}

static int read_all(struct reading *r, snapshot_visit visit, void *context)
{
    uint8_t bytes[SNAPSHOT_FORMAT_TRAILER_BYTES];
    int result = read_header(r);
    while (result == 0) {
        if (r->file_bytes - r->at < SNAPSHOT_FORMAT_FRAME_BYTES)
            return damaged(r, "the file ends without its trailer");
        result = get_bytes(r, bytes, SNAPSHOT_FORMAT_FRAME_BYTES);
        if (result < 0)
            return result;
        if (snapshot_format_read_frame(bytes).record_bytes == SNAPSHOT_FORMAT_TRAILER_MARK)
            return read_trailer(r, bytes);
        result = read_record(r, bytes, visit, context);
    }
    return result;
}

/* Renames to the first free PATH.damaged-<n>. link() never replaces one kept earlier. */
static void keep_aside(const char *path, char out[SNAPSHOT_PATH_SIZE])
{
    char name[SNAPSHOT_PATH_SIZE];
    for (int i = 1; i <= KEEP_ASIDE_MAX; i++) {
        int n = snprintf(name, sizeof(name), "%s.damaged-%d", path, i);
        if (n < 0 || (size_t)n >= sizeof(name))
            return;
        if (link(path, name) == 0) {
            (void)unlink(path);
            memcpy(out, name, (size_t)n + 1);
            return;
        }
        if (errno != EEXIST)
            return;
    }
}

static int open_file(struct reading *r, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;
    int error = 0;
    if (fstat(fd, &status) < 0)
        error = -errno;
    else if (!S_ISREG(status.st_mode))
        error = -EISDIR;
    else
        r->file = fdopen(fd, "r");
    if (r->file == NULL) {
        close(fd);
        return error < 0 ? error : -ENOMEM;
    }
    r->file_bytes = (uint64_t)status.st_size;
    return 0;
}

int snapshot_read(const char *path, snapshot_visit visit, void *context,
                  struct snapshot_report *out)
{
    struct reading *r = calloc(1, sizeof(*r));
    if (r == NULL)
        return -ENOMEM;
    int result = open_file(r, path);
    if (result < 0) {
        free(r);
        return result;
    }
    result = read_all(r, visit, context);
    (void)fclose(r->file);
    /* A visitor may return what it likes; only our own finding moves the file. */
    if (r->report.damage != NULL)
        keep_aside(path, r->report.kept_aside);
    *out = r->report;
    free(r->buffer);
    free(r);
    return result;
}
