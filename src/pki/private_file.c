/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/private_file.h"

#include "base/wipe.h"
#include "vault/vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_SIZE 4096
#define TEMPORARY ".new-" /* marks a file that has not got its name yet */

/* "folder/file" -> "folder"; "file" -> "." */
static int parent_of(const char *path, char out[PATH_SIZE])
{
    size_t len = strlen(path);
    while (len > 1 && path[len - 1] == '/')
        len--;
    while (len > 0 && path[len - 1] != '/')
        len--;
    while (len > 1 && path[len - 1] == '/')
        len--;
    if (len >= PATH_SIZE)
        return -ENAMETOOLONG;
    memcpy(out, len > 0 ? path : ".", len > 0 ? len : 1);
    out[len > 0 ? len : 1] = '\0';
    return 0;
}

int private_file_sync_parent(const char *path)
{
    char parent[PATH_SIZE];
    int error = parent_of(path, parent);
    if (error < 0)
        return error;
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    error = fsync(fd) < 0 ? -errno : 0;
    close(fd);
    return error;
}

static int write_all(int fd, struct mqtt_span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.data, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        bytes.data += n;
        bytes.len -= (size_t)n;
    }
    return 0;
}

/* A new file beside `path` under a name nobody could have prepared. */
static int open_temporary(const char *path, char out[PATH_SIZE])
{
    uint64_t random;
    if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
        return -EIO;
    int n = snprintf(out, PATH_SIZE, "%s" TEMPORARY "%016llx", path, (unsigned long long)random);
    if (n >= PATH_SIZE)
        return -ENAMETOOLONG;
    int fd = open(out, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    return fd < 0 ? -errno : fd;
}

/* Gives the file its name. link() refuses where rename() would replace. */
static int give_name(const char *temporary, const char *path, enum private_file_existing existing)
{
    if (existing == PRIVATE_FILE_REPLACE)
        return rename(temporary, path) < 0 ? -errno : 0;
    if (link(temporary, path) < 0)
        return -errno;
    return unlink(temporary) < 0 ? -errno : 0;
}

int private_file_write(const char *path, struct mqtt_span bytes,
                       enum private_file_existing existing)
{
    char temporary[PATH_SIZE];
    int fd = open_temporary(path, temporary);
    if (fd < 0)
        return fd;

    int error = write_all(fd, bytes);
    if (error == 0 && fsync(fd) < 0)
        error = -errno;
    if (close(fd) < 0 && error == 0)
        error = -errno;
    if (error == 0)
        error = give_name(temporary, path, existing);
    if (error < 0) {
        (void)unlink(temporary);
        return error;
    }
    return private_file_sync_parent(path);
}

/* What a file says of its length is enough; a pipe, or a file of the kernel's, says nothing. */
static size_t room_for(int fd, size_t limit)
{
    struct stat status;

    if (fstat(fd, &status) != 0 || S_ISDIR(status.st_mode))
        return 0;
    bool is_known = S_ISREG(status.st_mode) && status.st_size > 0;
    return is_known && (uintmax_t)status.st_size < limit ? (size_t)status.st_size : limit;
}

int private_file_read(const char *path, size_t limit, uint8_t **out, size_t *out_len)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return -errno;

    int error = -ENOMEM;
    size_t len = 0;
    size_t room = room_for(fd, limit);
    uint8_t *buffer = malloc(room + 1);
    if (buffer != NULL)
        error = vault_read_all(fd, room, buffer, &len);
    close(fd);
    if (error < 0) {
        if (buffer != NULL)
            wipe_bytes(buffer, room + 1);
        free(buffer);
        return error;
    }
    *out = buffer;
    *out_len = len;
    return 0;
}

/* One folder whose parent exists. */
static int make_one(const char *path, bool *out_made)
{
    struct stat status;
    if (mkdir(path, 0700) == 0) {
        *out_made = true;
        return private_file_sync_parent(path);
    }
    if (errno != EEXIST)
        return -errno;
    *out_made = false;
    if (stat(path, &status) < 0)
        return -errno;
    return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int private_file_make_dir(const char *path, bool *out_made)
{
    char part[PATH_SIZE];
    bool made = false;
    size_t len = strlen(path);
    if (len == 0)
        return -ENOENT;
    if (len >= sizeof(part))
        return -ENAMETOOLONG;

    memcpy(part, path, len + 1);
    for (size_t i = 1; i <= len; i++) {
        if ((path[i] != '/' && path[i] != '\0') || path[i - 1] == '/')
            continue;
        part[i] = '\0';
        int error = make_one(part, &made);
        if (error < 0)
            return error;
        part[i] = path[i];
    }
    *out_made = made;
    return 0;
}

int private_file_sweep(const char *folder)
{
    DIR *dir = opendir(folder);
    if (dir == NULL)
        return -errno;
    for (const struct dirent *e = readdir(dir); e != NULL; e = readdir(dir))
        if (strstr(e->d_name, TEMPORARY) != NULL)
            (void)unlinkat(dirfd(dir), e->d_name, 0);
    closedir(dir);
    return 0;
}

int private_file_is_closed(const char *path)
{
    struct stat status;
    if (stat(path, &status) < 0)
        return -errno;
    bool is_ours = status.st_uid == geteuid() || status.st_uid == 0;
    return is_ours && (status.st_mode & 077) == 0 ? 0 : -EPERM;
}

void private_file_scrub(int fd)
{
    static const uint8_t zeros[256];
    struct stat status;
    if (fstat(fd, &status) < 0 || lseek(fd, 0, SEEK_SET) < 0)
        return;
    for (off_t left = status.st_size; left > 0;) {
        size_t len = left < (off_t)sizeof(zeros) ? (size_t)left : sizeof(zeros);
        if (write_all(fd, (struct mqtt_span){ zeros, len }) < 0)
            return;
        left -= (off_t)len;
    }
    (void)fsync(fd);
}
