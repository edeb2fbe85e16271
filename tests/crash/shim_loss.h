/* SPDX-License-Identifier: Apache-2.0 */
/* What was written and not synced, so that it can be taken back: the part of a power cut that a
 * kill does not show. The caller holds a lock. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* `len` bytes at `offset` of an open file are about to be written. */
void loss_note_write(int fd, off_t offset, size_t len);

/* A file was made; `path` is absolute. */
void loss_note_file(const char *path);

/* `old` has become `new`, in an open folder. */
void loss_note_rename(int folder, const char *old, const char *new);

/* A number for everything noted so far. */
uint64_t loss_mark(void);

/* What was noted before the mark is safe: writes to this open file; names. */
void loss_forget_writes(int fd, uint64_t mark);
void loss_forget_names(uint64_t mark);

/* Takes some of it back: of each sector of 512 bytes either all unsynced writes or none, and of what
 * was done to the folder and not synced all from one point on, as the seed says. */
void loss_apply(uint32_t seed);
