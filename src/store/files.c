/* SPDX-License-Identifier: Apache-2.0 */
#include "store/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define PIECES_AT_ONCE 64

_Static_assert(sizeof(off_t) >= sizeof(int64_t), "files are longer than 2 GiB");
_Static_assert(PIECES_AT_ONCE <= IOV_MAX, "one call takes as many pieces");

struct file {
    int fd;
};

struct folder {
    int fd;
};

static int folder_fd(void *context)
{
    const struct folder *folder = context;
    return folder->fd;
}

static int flags_of(enum file_use use)
{
    switch (use) {
    case FILE_NONE:
        break;
    case FILE_READ:
        return O_RDONLY;
    case FILE_CHANGE:
        return O_RDWR;
    case FILE_CREATE:
        return O_RDWR | O_CREAT | O_EXCL;
    }
    return -1;
}

/* O_NONBLOCK: somebody's FIFO of that name does not make us wait. */
static int file_open(void *context, const char *name, enum file_use use, struct file **out)
{
    struct stat status;
    int flags = flags_of(use);
    if (flags < 0)
        return -EINVAL;
    struct file *file = malloc(sizeof(*file));
    if (file == NULL)
        return -ENOMEM;
    file->fd = openat(folder_fd(context), name, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
    int error = file->fd < 0 ? -errno : 0;
    if (error == 0 && fstat(file->fd, &status) < 0)
        error = -errno;
    if (error == 0 && !S_ISREG(status.st_mode))
        error = -EISDIR;
    if (error < 0) {
        if (file->fd >= 0)
            close(file->fd);
        free(file);
        return error;
    }
    *out = file;
    return 0;
}

static void file_close(struct file *file)
{
    if (file == NULL)
        return;
    (void)close(file->fd);
    free(file);
}

static int64_t file_size(struct file *file)
{
    struct stat status;
    return fstat(file->fd, &status) < 0 ? -errno : status.st_size;
}

static int64_t file_read(struct file *file, uint64_t offset, void *into, size_t len)
{
    uint8_t *at = into;
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(file->fd, at + done, len - done, (off_t)(offset + done));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n == 0)
            break;
        if (n > 0)
            done += (size_t)n;
    }
    return (int64_t)done;
}

/* What was reserved and never written is a hole for this. */
static uint64_t file_find_data(struct file *file, uint64_t offset)
{
    off_t at = lseek(file->fd, (off_t)offset, SEEK_DATA);
    if (at >= 0)
        return (uint64_t)at;
    return errno == ENXIO ? UINT64_MAX : offset;
}

/* Moves `vector` past `done` bytes; returns how many of its pieces are left. */
static int skip_written(struct iovec **vector, int count, size_t done)
{
    while (count > 0 && done >= (*vector)->iov_len) {
        done -= (*vector)->iov_len;
        (*vector)++;
        count--;
    }
    if (count > 0) {
        (*vector)->iov_base = (uint8_t *)(*vector)->iov_base + done;
        (*vector)->iov_len -= done;
    }
    return count;
}

static int write_vector(int fd, uint64_t *offset, struct iovec *vector, int count)
{
    while (count > 0) {
        ssize_t n = pwritev(fd, vector, count, (off_t)*offset);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n > 0) {
            *offset += (uint64_t)n;
            count = skip_written(&vector, count, (size_t)n);
        } else if (n == 0) {
            return -EIO;
        }
    }
    return 0;
}

static int file_write(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                      size_t count)
{
    struct iovec vector[PIECES_AT_ONCE];
    int error = 0;
    for (size_t done = 0; done < count && error == 0;) {
        int n = 0;
        for (; done < count && n < PIECES_AT_ONCE; done++) {
            /* struct iovec has no const; writing only reads. */
            if (pieces[done].len > 0)
                vector[n++] =
                    (struct iovec){ (void *)(uintptr_t)pieces[done].data, pieces[done].len };
        }
        error = write_vector(file->fd, &offset, vector, n);
    }
    return error;
}

static int file_sync(struct file *file)
{
    return fdatasync(file->fd) < 0 ? -errno : 0;
}

static int file_truncate(struct file *file, uint64_t bytes)
{
    return ftruncate(file->fd, (off_t)bytes) < 0 ? -errno : 0;
}

static int file_reserve(struct file *file, uint64_t bytes)
{
    int64_t before = file_size(file);
    if (before < 0)
        return (int)before;
    int error;
    do {
        error = posix_fallocate(file->fd, 0, (off_t)bytes);
    } while (error == EINTR);
    /* What it got before it failed is given back, so that others have it. */
    if (error != 0)
        (void)file_truncate(file, (uint64_t)before);
    return -error;
}

static int folder_rename(void *context, const char *from, const char *to)
{
    return renameat(folder_fd(context), from, folder_fd(context), to) < 0 ? -errno : 0;
}

static int folder_remove(void *context, const char *name)
{
    return unlinkat(folder_fd(context), name, 0) < 0 ? -errno : 0;
}

static int folder_sync(void *context)
{
    return fsync(folder_fd(context)) < 0 ? -errno : 0;
}

static int visit_all(DIR *dir, int (*visit)(void *visitor, const char *name), void *visitor)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (entry == NULL)
            return -errno;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        int result = visit(visitor, entry->d_name);
        if (result != 0)
            return result;
    }
}

static int folder_list(void *context, int (*visit)(void *visitor, const char *name), void *visitor)
{
    int fd = openat(folder_fd(context), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int error = -errno;
        close(fd);
        return error;
    }
    int result = visit_all(dir, visit, visitor);
    (void)closedir(dir);
    return result;
}

int files_open(const char *folder, struct files *out)
{
    struct folder *context = malloc(sizeof(*context));
    if (context == NULL)
        return -ENOMEM;
    context->fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (context->fd < 0) {
        int error = -errno;
        free(context);
        return error;
    }
    *out = (struct files){ .context = context,
                           .open = file_open,
                           .close = file_close,
                           .size = file_size,
                           .read = file_read,
                           .find_data = file_find_data,
                           .write = file_write,
                           .sync = file_sync,
                           .reserve = file_reserve,
                           .truncate = file_truncate,
                           .rename = folder_rename,
                           .remove = folder_remove,
                           .sync_folder = folder_sync,
                           .list = folder_list };
    return 0;
}

void files_close(struct files *files)
{
    struct folder *context = files->context;
    if (context != NULL) {
        (void)close(context->fd);
        free(context);
    }
    *files = (struct files){ 0 };
}
