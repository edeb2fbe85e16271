/* SPDX-License-Identifier: Apache-2.0 */
/* The few things a store does with files, behind function pointers, so that a test can take the
 * power away in the middle of them (store/fake_files.h) and a helper thread can do them.
 *
 * All names are of files in one folder. All functions return 0 (or what is said) or a negative
 * errno. Owner: one thread at a time. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

struct file; /* an open one; made by the implementation */

enum file_use {
    FILE_NONE = 0, /* refused */
    FILE_READ,     /* an existing one */
    FILE_CHANGE,   /* an existing one, to read and write */
    FILE_CREATE,   /* a new one (mode 0600 from its first instant), to read and write; -EEXIST */
};

struct files {
    void *context;
    int (*open)(void *context, const char *name, enum file_use use, struct file **out);
    void (*close)(struct file *file); /* NULL is fine */
    int64_t (*size)(struct file *file);
    /* Reads up to `len` bytes at `offset`; returns how many there were: fewer at the end only. */
    int64_t (*read)(struct file *file, uint64_t offset, void *into, size_t len);
    /* Where the first byte from `offset` on lies that may be other than zero, as far as the file
     * system knows without reading; the file's size or more: nowhere. NULL: nothing is known. */
    uint64_t (*find_data)(struct file *file, uint64_t offset);
    /* Writes all of the pieces one behind the other from `offset` on. After a failure what lies
     * there is undefined. */
    int (*write)(struct file *file, uint64_t offset, const struct mqtt_span *pieces, size_t count);
    /* Everything written to this file is there after a power cut (fdatasync, size included). After
     * a failure nothing is known of what was written since the last success, and a later success
     * says nothing about it. */
    int (*sync)(struct file *file);
    /* The file's first `bytes` bytes have their place on disk from now on; it becomes that long,
     * new bytes read as zero. -ENOSPC, -EDQUOT, -EFBIG: it is as it was. */
    int (*reserve)(struct file *file, uint64_t bytes);
    int (*truncate)(struct file *file, uint64_t bytes);
    /* These are durable only after sync_folder(). rename() replaces. */
    int (*rename)(void *context, const char *from, const char *to);
    int (*remove)(void *context, const char *name);
    int (*sync_folder)(void *context);
    /* Each name in the folder, in any order; what `visit` returns other than 0 ends it and is
     * returned. */
    int (*list)(void *context, int (*visit)(void *visitor, const char *name), void *visitor);
};

/* Those of a real folder, which must exist. *out is released by files_close(). */
MQTT_NODISCARD int files_open(const char *folder, struct files *out);
void files_close(struct files *files); /* zeroed is fine */
