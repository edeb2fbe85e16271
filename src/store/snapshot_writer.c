/* SPDX-License-Identifier: Apache-2.0 */
#include "store/snapshot_writer.h"
#include "store/checksum.h"
#include "store/snapshot_format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER_BYTES (256 * 1024)

struct snapshot_writer {
    FILE *file;
    int error; /* the first failure, 0 until then */
    uint64_t record_count;
    uint32_t frames_check;
    char path[SNAPSHOT_PATH_SIZE];
    char temporary[SNAPSHOT_PATH_SIZE];
};

static void put_bytes(struct snapshot_writer *w, const uint8_t *bytes, size_t len)
{
    if (w->error == 0 && len > 0 && fwrite(bytes, 1, len, w->file) != len)
        w->error = errno != 0 ? -errno : -EIO;
}

static int open_file(struct snapshot_writer *w, const char *path)
{
    int n = snprintf(w->temporary, sizeof(w->temporary), "%s.new", path);
    if (n < 0 || (size_t)n >= sizeof(w->temporary))
        return -ENAMETOOLONG;
    memcpy(w->path, path, strlen(path) + 1);

    /* One process has the folder (state_claim): an older one is of an interrupted writer. */
    if (unlink(w->temporary) < 0 && errno != ENOENT)
        return -errno;
    int fd = open(w->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return -errno;
    w->file = fdopen(fd, "w");
    if (w->file == NULL) {
        int error = -errno;
        close(fd);
        (void)unlink(w->temporary);
        return error;
    }
    (void)setvbuf(w->file, NULL, _IOFBF, BUFFER_BYTES);
    return 0;
}

int snapshot_writer_open(const char *path, int64_t created_ms, struct snapshot_writer **out)
{
    uint8_t header[SNAPSHOT_FORMAT_HEADER_BYTES];
    struct snapshot_writer *w = calloc(1, sizeof(*w));
    if (w == NULL)
        return -ENOMEM;
    int error = open_file(w, path);
    if (error < 0) {
        free(w);
        return error;
    }
    snapshot_format_write_header(
        &(struct snapshot_header){ .version = SNAPSHOT_VERSION, .created_ms = created_ms }, header);
    put_bytes(w, header, sizeof(header));
    *out = w;
    return 0;
}

int snapshot_writer_add(void *writer, struct mqtt_span record)
{
    struct snapshot_writer *w = writer;
    uint8_t bytes[SNAPSHOT_FORMAT_FRAME_BYTES];
    if (w->error == 0 && record.len > SNAPSHOT_RECORD_MAX_BYTES)
        w->error = -EMSGSIZE;
    if (w->error < 0)
        return w->error;

    struct snapshot_frame frame = { .record_bytes = (uint32_t)record.len };
    frame.check = snapshot_format_record_check(record.data, frame.record_bytes);
    snapshot_format_write_frame(&frame, bytes);
    put_bytes(w, bytes, sizeof(bytes));
    put_bytes(w, record.data, record.len);
    w->frames_check = checksum_crc32c(w->frames_check, (struct mqtt_span){ bytes, sizeof(bytes) });
    w->record_count++;
    return w->error;
}

/* The rename is durable once the folder is. */
static int sync_folder(const char *path)
{
    char folder[SNAPSHOT_PATH_SIZE];
    const char *slash = strrchr(path, '/');
    size_t len = slash != NULL ? (size_t)(slash - path) + 1 : 1;
    memcpy(folder, slash != NULL ? path : ".", len);
    folder[len] = '\0';
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

int snapshot_writer_commit(struct snapshot_writer *writer)
{
    struct snapshot_writer *w = writer;
    uint8_t trailer[SNAPSHOT_FORMAT_TRAILER_BYTES];
    snapshot_format_write_trailer(&(struct snapshot_trailer){ .record_count = w->record_count,
                                                              .frames_check = w->frames_check },
                                  trailer);
    put_bytes(w, trailer, sizeof(trailer));
    if (w->error == 0 && (fflush(w->file) != 0 || fsync(fileno(w->file)) < 0))
        w->error = -errno;
    if (w->error == 0 && rename(w->temporary, w->path) < 0)
        w->error = -errno;
    if (w->error < 0) {
        int error = w->error;
        snapshot_writer_abort(w);
        return error;
    }
    int error = sync_folder(w->path);
    (void)fclose(w->file);
    free(w);
    return error;
}

void snapshot_writer_abort(struct snapshot_writer *writer)
{
    if (writer == NULL)
        return;
    (void)fclose(writer->file);
    (void)unlink(writer->temporary);
    free(writer);
}
