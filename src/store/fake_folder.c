/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fake_folder.h"

#include "base/invariant.h"

#include <stdlib.h>
#include <string.h>

static struct fake_entry *entry_of(const struct fake_names *names, const char *name)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->entries[i].name, name) == 0)
            return &names->entries[i];
    return NULL;
}

static struct fake_entry new_entry(const char *name, struct fake_inode *inode)
{
    struct fake_entry entry = { .inode = inode };
    size_t len = strlen(name);

    MQTT_INVARIANT(len < FAKE_NAME_BYTES);
    memcpy(entry.name, name, len);
    return entry;
}

static void drop_entry(struct fake_names *names, struct fake_entry *entry)
{
    *entry = names->entries[--names->count];
}

static void add_entry(struct fake_names *names, struct fake_entry entry)
{
    struct fake_entry *entries = realloc(names->entries, (names->count + 1) * sizeof(*entries));

    MQTT_INVARIANT(entries != NULL);
    names->entries = entries;
    entries[names->count++] = entry;
}

static void set_entry(struct fake_names *names, const struct fake_entry *entry)
{
    struct fake_entry *old = entry_of(names, entry->name);

    if (old != NULL)
        drop_entry(names, old);
    for (size_t i = names->count; i > 0; i--)
        if (names->entries[i - 1].inode == entry->inode)
            drop_entry(names, &names->entries[i - 1]);
    add_entry(names, *entry);
}

static void apply_move(struct fake_names *names, const struct fake_move *move)
{
    struct fake_entry *old = entry_of(names, move->entry.name);

    if (!move->removes)
        set_entry(names, &move->entry);
    else if (old != NULL && old->inode == move->entry.inode)
        drop_entry(names, old);
}

static void make_move(struct fake_folder *folder, struct fake_entry entry, bool removes)
{
    struct fake_move *moves = realloc(folder->moves, (folder->count + 1) * sizeof(*moves));

    MQTT_INVARIANT(moves != NULL);
    folder->moves = moves;
    moves[folder->count] = (struct fake_move){ .entry = entry, .removes = removes };
    apply_move(&folder->now, &moves[folder->count++]);
}

void fake_names_copy(const struct fake_names *from, struct fake_names *out)
{
    for (size_t i = 0; i < from->count; i++)
        add_entry(out, from->entries[i]);
}

void fake_names_fini(struct fake_names *names)
{
    free(names->entries);
    *names = (struct fake_names){ 0 };
}

void fake_folder_fini(struct fake_folder *folder)
{
    fake_names_fini(&folder->now);
    fake_names_fini(&folder->disk);
    free(folder->moves);
    *folder = (struct fake_folder){ 0 };
}

struct fake_inode *fake_folder_find(const struct fake_names *names, const char *name)
{
    const struct fake_entry *entry = entry_of(names, name);

    return entry != NULL ? entry->inode : NULL;
}

const char *fake_folder_name_of(const struct fake_names *names, const struct fake_inode *inode)
{
    for (size_t i = 0; i < names->count; i++)
        if (names->entries[i].inode == inode)
            return names->entries[i].name;
    return NULL;
}

bool fake_folder_needs(const struct fake_folder *folder, const struct fake_inode *inode)
{
    for (size_t i = 0; i < folder->count; i++)
        if (folder->moves[i].entry.inode == inode)
            return true;
    return fake_folder_name_of(&folder->now, inode) != NULL
           || fake_folder_name_of(&folder->disk, inode) != NULL;
}

void fake_folder_name(struct fake_folder *folder, const char *name, struct fake_inode *inode)
{
    make_move(folder, new_entry(name, inode), false);
}

void fake_folder_remove(struct fake_folder *folder, const char *name)
{
    struct fake_entry *entry = entry_of(&folder->now, name);

    if (entry != NULL)
        make_move(folder, *entry, true);
}

void fake_folder_sync(struct fake_folder *folder)
{
    for (size_t i = 0; i < folder->count; i++)
        apply_move(&folder->disk, &folder->moves[i]);
    folder->count = 0;
}

void fake_folder_cut(const struct fake_folder *folder, const struct fake_chance *chance,
                     struct fake_names *out)
{
    fake_names_copy(&folder->disk, out);
    for (size_t i = 0; i < folder->count; i++)
        if (fake_chance_happens(chance))
            apply_move(out, &folder->moves[i]);
}
