/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: the files of a store in memory (store/files.h), with a switch for the power and a
 * failure for every operation.
 *
 * For each file it knows what is synced and what was written since, in sectors of 512 bytes; for
 * the folder, which names are durable. Everything is decided by the seed. Aborts when out of
 * memory. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "store/files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The operations of struct files but close(). */
enum fake_operation {
    FAKE_OPEN = 0, /* to read, or to change */
    FAKE_CREATE,
    FAKE_SIZE,
    FAKE_READ,
    FAKE_WRITE,
    FAKE_SYNC,
    FAKE_RESERVE,
    FAKE_TRUNCATE,
    FAKE_RENAME,
    FAKE_REMOVE,
    FAKE_SYNC_FOLDER,
    FAKE_LIST,
    FAKE_OPERATIONS,
    FAKE_CHANGE = FAKE_OPERATIONS, /* any that changes something, or makes it durable */
    FAKE_KINDS,
};

struct fake_files;

struct fake_files *fake_files_new(uint64_t seed);
void fake_files_free(struct fake_files *fake); /* NULL is fine; its files are to be closed before */

/* Borrows `fake`. */
struct files fake_files_port(struct fake_files *fake);

/* How many were asked for, those that failed included. */
uint64_t fake_files_count(const struct fake_files *fake, enum fake_operation operation);

/* The `nth` operation of this kind from now (1: the next) fails with `error`, an errno, and leaves
 * undone what it can: a write that fails has written a part, a sync that fails has lost a part of
 * what it should have made durable. `lasts`: and so do all of that kind after it. nth 0: no
 * failure any more. Each kind has one failure at a time. */
void fake_files_fail(struct fake_files *fake, enum fake_operation operation, uint64_t nth,
                     int error, bool lasts);

/* Files together take at most so much space, the reserved included; then writing, reserving and
 * growing end in -ENOSPC. A write in reserved space never does. */
void fake_files_bound(struct fake_files *fake, uint64_t bytes);
uint64_t fake_files_used(const struct fake_files *fake);

/* ---- power ---- */

/* The power goes during the `nth` changing operation from now (0: never): it and all later ones
 * of any kind fail with -EIO. */
void fake_files_cut_at(struct fake_files *fake, uint64_t nth);
void fake_files_cut(struct fake_files *fake); /* now */
bool fake_files_is_cut(const struct fake_files *fake);

/* What is found when the power is back: a new one without failures and without a bound, to be
 * released by itself. `fake` stays as it is, so that the same moment can end in many ways. Of what
 * is not synced, each sector, and each new name, rename and removal, is old or new by itself.
 * `tears`: blocks of 4096 bytes that were being written may be torn. */
MQTT_NODISCARD struct fake_files *fake_files_after_cut(const struct fake_files *fake, uint64_t seed,
                                                       bool tears);

/* ---- the hand of the test ---- */

/* A durable file of these bytes; replaces. */
void fake_files_put(struct fake_files *fake, const char *name, struct mqtt_span bytes);

/* Changes one byte, on the disk and for those who read. False: there is none. */
bool fake_files_flip(struct fake_files *fake, const char *name, uint64_t offset, uint8_t mask);

/* What one who reads would see. Borrowed until the next change; empty: no such file. */
struct mqtt_span fake_files_get(const struct fake_files *fake, const char *name);
bool fake_files_has(const struct fake_files *fake, const char *name);
