/* SPDX-License-Identifier: Apache-2.0 */
/* For tests: the folder of store/fake_files.h, as the running system sees it and as the disk has
 * it, and what was changed in between. Aborts when out of memory. Owner: one thread. */
#pragma once

#include "store/fake_sectors.h"

#include <stdbool.h>
#include <stddef.h>

#define FAKE_NAME_BYTES 80u

struct fake_inode; /* borrowed everywhere */

struct fake_entry {
    char name[FAKE_NAME_BYTES];
    struct fake_inode *inode;
};

/* Zeroed is an empty one. */
struct fake_names {
    struct fake_entry *entries;
    size_t count;
};

/* A name was set, or removed. */
struct fake_move {
    struct fake_entry entry;
    bool removes;
};

/* Zeroed is an empty one. */
struct fake_folder {
    struct fake_names now;
    struct fake_names disk;
    struct fake_move *moves; /* since the last sync */
    size_t count;
};

void fake_names_copy(const struct fake_names *from, struct fake_names *out); /* out is zeroed */
void fake_names_fini(struct fake_names *names);

void fake_folder_fini(struct fake_folder *folder);

struct fake_inode *fake_folder_find(const struct fake_names *names, const char *name); /* or NULL */
const char *fake_folder_name_of(const struct fake_names *names, const struct fake_inode *inode);

/* Could it be found under some name, now or after a cut? */
bool fake_folder_needs(const struct fake_folder *folder, const struct fake_inode *inode);

/* Gives the inode this name and no other; what had the name has none any more. */
void fake_folder_name(struct fake_folder *folder, const char *name, struct fake_inode *inode);
void fake_folder_remove(struct fake_folder *folder, const char *name);

void fake_folder_sync(struct fake_folder *folder);

/* The names that are found when the power is back, into `out`, which is zeroed. */
void fake_folder_cut(const struct fake_folder *folder, const struct fake_chance *chance,
                     struct fake_names *out);
