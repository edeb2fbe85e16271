/* SPDX-License-Identifier: Apache-2.0 */
#include "shim_loss.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR 512

enum note_kind {
    NOTE_WRITE,
    NOTE_FILE,
    NOTE_RENAME,
};

/* The newest comes first. */
struct note {
    struct note *next;
    enum note_kind kind;
    uint64_t number;
    ino_t inode;
    off_t offset;
    size_t len;
    char file[PATH_MAX];  /* its name then */
    char other[PATH_MAX]; /* of a rename: what it was called before */
    unsigned char old[];  /* of a write: what was there before */
};

static struct note *notes;
static uint64_t newest;

static void push(struct note *note)
{
    note->number = ++newest;
    note->next = notes;
    notes = note;
}

static bool name_of(int fd, char out[PATH_MAX])
{
    char link[64];

    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, PATH_MAX - 1);
    out[len > 0 ? len : 0] = '\0';
    return len > 0;
}

void loss_note_write(int fd, off_t offset, size_t len)
{
    struct note *note = calloc(1, sizeof(*note) + len);
    struct stat facts;

    if (note == NULL || fstat(fd, &facts) != 0 || !name_of(fd, note->file)) {
        free(note);
        return;
    }
    note->kind = NOTE_WRITE;
    note->inode = facts.st_ino;
    note->offset = offset;
    note->len = len;
    /* What lies behind the end of the file stays zero. The file may be open for writing only. */
    int reader = open(note->file, O_RDONLY | O_CLOEXEC);
    for (size_t at = 0; reader >= 0 && at < len;) {
        ssize_t got = pread(reader, note->old + at, len - at, offset + (off_t)at);
        if (got <= 0)
            break;
        at += (size_t)got;
    }
    if (reader >= 0)
        close(reader);
    push(note);
}

void loss_note_file(const char *path)
{
    struct note *note = calloc(1, sizeof(*note));

    if (note == NULL)
        return;
    note->kind = NOTE_FILE;
    snprintf(note->file, sizeof(note->file), "%s", path);
    push(note);
}

static bool join(int folder, const char *name, char out[PATH_MAX])
{
    char base[PATH_MAX];

    if (name[0] == '/')
        return snprintf(out, PATH_MAX, "%s", name) < PATH_MAX;
    return name_of(folder, base) && snprintf(out, PATH_MAX, "%s/%s", base, name) < PATH_MAX;
}

void loss_note_rename(int folder, const char *old, const char *new)
{
    struct note *note = calloc(1, sizeof(*note));

    if (note == NULL || !join(folder, old, note->other) || !join(folder, new, note->file)) {
        free(note);
        return;
    }
    note->kind = NOTE_RENAME;
    push(note);
}

uint64_t loss_mark(void)
{
    return newest;
}

static void forget(bool is_write, ino_t inode, uint64_t mark)
{
    for (struct note **at = &notes; *at != NULL;) {
        struct note *note = *at;
        if ((note->kind == NOTE_WRITE) == is_write && note->inode == inode
            && note->number <= mark) {
            *at = note->next;
            free(note);
        } else {
            at = &note->next;
        }
    }
}

void loss_forget_writes(int fd, uint64_t mark)
{
    struct stat facts;

    if (fstat(fd, &facts) == 0)
        forget(true, facts.st_ino, mark);
}

void loss_forget_names(uint64_t mark)
{
    forget(false, 0, mark);
}

/* ---- taking back ---- */

/* The same answer for each write to the same sector. */
static bool is_lost(uint32_t seed, ino_t inode, uint64_t sector)
{
    uint64_t mixed = (seed ^ (uint64_t)inode << 32 ^ sector) * 0x9e3779b97f4a7c15u;

    mixed = (mixed ^ mixed >> 31) * 0xbf58476d1ce4e5b9u;
    return (mixed >> 40) % 2 == 0;
}

/* It may have another name by now. */
static int open_again(const struct note *note)
{
    char folder_name[PATH_MAX];
    const struct dirent *entry = NULL;
    int fd = -1;

    snprintf(folder_name, sizeof(folder_name), "%s", note->file);
    char *slash = strrchr(folder_name, '/');
    if (slash == NULL)
        return -1;
    *slash = '\0';
    DIR *folder = opendir(folder_name);
    while (folder != NULL && fd < 0 && (entry = readdir(folder)) != NULL)
        if (entry->d_ino == note->inode)
            fd = openat(dirfd(folder), entry->d_name, O_WRONLY | O_CLOEXEC);
    if (folder != NULL)
        closedir(folder);
    return fd;
}

static void take_back_write(const struct note *note, uint32_t seed)
{
    int fd = open_again(note);
    off_t end = note->offset + (off_t)note->len;

    for (off_t at = note->offset; fd >= 0 && at < end;) {
        off_t stop = (at / SECTOR + 1) * SECTOR < end ? (at / SECTOR + 1) * SECTOR : end;
        if (is_lost(seed, note->inode, (uint64_t)at / SECTOR))
            (void)!pwrite(fd, note->old + (at - note->offset), (size_t)(stop - at), at);
        at = stop;
    }
    if (fd >= 0)
        close(fd);
}

/* A folder goes back to a state that it had: the newest `lost` of its changes are undone. */
static void take_back_names(uint32_t seed)
{
    unsigned count = 0;

    for (const struct note *note = notes; note != NULL; note = note->next)
        count += note->kind != NOTE_WRITE;
    unsigned lost = count > 0 ? (seed >> 3) % (count + 1) : 0;
    for (const struct note *note = notes; note != NULL && lost > 0; note = note->next) {
        if (note->kind == NOTE_WRITE)
            continue;
        lost--;
        if (note->kind == NOTE_FILE)
            (void)unlink(note->file);
        else
            (void)rename(note->file, note->other);
    }
}

void loss_apply(uint32_t seed)
{
    for (const struct note *note = notes; note != NULL; note = note->next)
        if (note->kind == NOTE_WRITE)
            take_back_write(note, seed);
    take_back_names(seed);
}
