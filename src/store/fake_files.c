/* SPDX-License-Identifier: Apache-2.0 */
#include "store/fake_files.h"

#include "base/invariant.h"
#include "base/testing.h"
#include "store/fake_folder.h"
#include "store/fake_sectors.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fake_inode {
    struct fake_inode *next;
    struct fake_sectors sectors;
    size_t reserved; /* bytes that have their place; at least the size */
    unsigned handles;
};

struct file {
    struct fake_files *fake;
    struct fake_inode *inode;
    bool may_write;
};

struct failure {
    uint64_t left; /* until it happens; 0: never */
    int error;
    bool lasts;
};

struct fake_files {
    struct test_random random;
    struct fake_inode *inodes;
    struct fake_folder folder;
    uint64_t counts[FAKE_KINDS];
    struct failure failures[FAKE_KINDS];
    uint64_t bound;
    uint64_t cut_left; /* changing operations until the power goes; 0: never */
    bool is_cut;
};

static bool is_change(enum fake_operation operation)
{
    return operation == FAKE_CREATE || (operation >= FAKE_WRITE && operation <= FAKE_SYNC_FOLDER);
}

/* ---- inodes ---- */

static struct fake_inode *add_inode(struct fake_files *fake)
{
    struct fake_inode *inode = calloc(1, sizeof(*inode));

    MQTT_INVARIANT(inode != NULL);
    inode->next = fake->inodes;
    fake->inodes = inode;
    return inode;
}

static void free_inode(struct fake_inode *inode)
{
    fake_sectors_fini(&inode->sectors);
    free(inode);
}

/* Gives up the files that nobody can reach any more, whatever happens. */
static void sweep(struct fake_files *fake)
{
    for (struct fake_inode **at = &fake->inodes; *at != NULL;) {
        struct fake_inode *inode = *at;
        if (inode->handles > 0 || fake_folder_needs(&fake->folder, inode)) {
            at = &inode->next;
        } else {
            *at = inode->next;
            free_inode(inode);
        }
    }
}

uint64_t fake_files_used(const struct fake_files *fake)
{
    uint64_t used = 0;

    for (const struct fake_inode *inode = fake->inodes; inode != NULL; inode = inode->next)
        if (inode->handles > 0 || fake_folder_name_of(&fake->folder.now, inode) != NULL)
            used += inode->reserved;
    return used;
}

/* 0: the first `bytes` bytes of the file have their place. */
static int take_space(struct fake_files *fake, struct fake_inode *inode, uint64_t bytes)
{
    if (bytes > FAKE_MOST_BYTES)
        return -EFBIG;
    if (bytes <= inode->reserved)
        return 0;
    uint64_t used = fake_files_used(fake);
    if (used > fake->bound || bytes - inode->reserved > fake->bound - used)
        return -ENOSPC;
    inode->reserved = (size_t)bytes;
    return 0;
}

/* ---- failures and power ---- */

static int failure_of(struct fake_files *fake, enum fake_operation kind)
{
    struct failure *failure = &fake->failures[kind];

    if (failure->left == 0)
        return 0;
    if (failure->left > 1) {
        failure->left--;
        return 0;
    }
    if (!failure->lasts)
        failure->left = 0;
    return -failure->error;
}

/* 0: go on. The power may have gone: then what the operation does stays undecided, and its end is
 * finish(). */
static int begin(struct fake_files *fake, enum fake_operation operation)
{
    int error;

    if (fake->is_cut)
        return -EIO;
    fake->counts[operation]++;
    error = failure_of(fake, operation);
    if (!is_change(operation))
        return error;
    fake->counts[FAKE_CHANGE]++;
    int common = failure_of(fake, FAKE_CHANGE);
    if (fake->cut_left > 0 && --fake->cut_left == 0)
        fake->is_cut = true;
    return error < 0 ? error : common;
}

static int finish(const struct fake_files *fake)
{
    return fake->is_cut ? -EIO : 0;
}

/* ---- what a store calls ---- */

static int on_open(void *context, const char *name, enum file_use use, struct file **out)
{
    struct fake_files *fake = context;
    int error = begin(fake, use == FILE_CREATE ? FAKE_CREATE : FAKE_OPEN);
    struct fake_inode *inode = fake_folder_find(&fake->folder.now, name);

    if (use == FILE_NONE)
        return -EINVAL;
    if (error < 0)
        return error;
    if (use == FILE_CREATE && inode != NULL)
        return -EEXIST;
    if (use != FILE_CREATE && inode == NULL)
        return -ENOENT;
    if (inode == NULL) {
        inode = add_inode(fake);
        fake_folder_name(&fake->folder, name, inode);
    }
    if (fake->is_cut)
        return -EIO;
    struct file *file = calloc(1, sizeof(*file));
    MQTT_INVARIANT(file != NULL);
    *file = (struct file){ .fake = fake, .inode = inode, .may_write = use != FILE_READ };
    inode->handles++;
    *out = file;
    return 0;
}

static void on_close(struct file *file)
{
    if (file == NULL)
        return;
    file->inode->handles--;
    sweep(file->fake);
    free(file);
}

static int64_t on_size(struct file *file)
{
    int error = begin(file->fake, FAKE_SIZE);

    return error < 0 ? error : (int64_t)file->inode->sectors.now.size;
}

static int64_t on_read(struct file *file, uint64_t offset, void *into, size_t len)
{
    const struct fake_image *now = &file->inode->sectors.now;
    int error = begin(file->fake, FAKE_READ);

    if (error < 0)
        return error;
    if (offset >= now->size)
        return 0;
    if (len > now->size - offset)
        len = now->size - (size_t)offset;
    memcpy(into, now->bytes + offset, len);
    return (int64_t)len;
}

/* The pieces as one, to be given to free(). */
static uint8_t *join(const struct mqtt_span *pieces, size_t count, size_t *out_len)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    uint8_t *bytes = malloc(len + 1);
    MQTT_INVARIANT(bytes != NULL);
    *out_len = len;
    len = 0;
    for (size_t i = 0; i < count; len += pieces[i++].len)
        if (pieces[i].len > 0)
            memcpy(bytes + len, pieces[i].data, pieces[i].len);
    return bytes;
}

static int on_write(struct file *file, uint64_t offset, const struct mqtt_span *pieces,
                    size_t count)
{
    struct fake_files *fake = file->fake;
    bool was_cut = fake->is_cut;
    size_t len = 0;
    int error = begin(fake, FAKE_WRITE);

    if (!file->may_write)
        return -EBADF;
    if (was_cut)
        return -EIO;
    if (offset > FAKE_MOST_BYTES)
        return -EFBIG;
    uint8_t *bytes = join(pieces, count, &len);
    int full = take_space(fake, file->inode, offset + len);
    if (error == 0)
        error = full;
    /* One that fails has written a part, where there was space for it. */
    if (error < 0)
        len = full < 0 ? 0 : test_random_below(&fake->random, len + 1);
    fake_sectors_write(&file->inode->sectors, (size_t)offset, bytes, len);
    free(bytes);
    return error < 0 ? error : finish(fake);
}

static int on_sync(struct file *file)
{
    struct fake_files *fake = file->fake;
    int error = begin(fake, FAKE_SYNC);

    if (fake->is_cut)
        return -EIO;
    if (error < 0) {
        const struct fake_chance chance = { &fake->random, 50, false };
        fake_sectors_lose(&file->inode->sectors, &chance);
        return error;
    }
    fake_sectors_sync(&file->inode->sectors);
    return 0;
}

static int on_reserve(struct file *file, uint64_t bytes)
{
    struct fake_files *fake = file->fake;
    int error = begin(fake, FAKE_RESERVE);

    if (!file->may_write)
        return -EBADF;
    if (error == 0)
        error = take_space(fake, file->inode, bytes);
    if (error < 0)
        return error;
    if (bytes > file->inode->sectors.now.size)
        fake_sectors_resize(&file->inode->sectors, (size_t)bytes);
    return finish(fake);
}

static int on_truncate(struct file *file, uint64_t bytes)
{
    struct fake_files *fake = file->fake;
    struct fake_inode *inode = file->inode;
    int error = begin(fake, FAKE_TRUNCATE);

    if (!file->may_write)
        return -EBADF;
    if (error == 0)
        error = take_space(fake, inode, bytes);
    if (error < 0)
        return error;
    fake_sectors_resize(&inode->sectors, (size_t)bytes);
    inode->reserved = (size_t)bytes;
    return finish(fake);
}

static int on_rename(void *context, const char *from, const char *to)
{
    struct fake_files *fake = context;
    int error = begin(fake, FAKE_RENAME);
    struct fake_inode *inode = fake_folder_find(&fake->folder.now, from);

    if (error < 0)
        return error;
    if (inode == NULL)
        return -ENOENT;
    fake_folder_name(&fake->folder, to, inode);
    return finish(fake);
}

static int on_remove(void *context, const char *name)
{
    struct fake_files *fake = context;
    int error = begin(fake, FAKE_REMOVE);
    struct fake_inode *inode = fake_folder_find(&fake->folder.now, name);

    if (error < 0)
        return error;
    if (inode == NULL)
        return -ENOENT;
    fake_folder_remove(&fake->folder, name);
    return finish(fake);
}

static int on_sync_folder(void *context)
{
    struct fake_files *fake = context;
    int error = begin(fake, FAKE_SYNC_FOLDER);

    if (error < 0 || fake->is_cut)
        return error < 0 ? error : -EIO;
    fake_folder_sync(&fake->folder);
    sweep(fake);
    return 0;
}

static int on_list(void *context, int (*visit)(void *visitor, const char *name), void *visitor)
{
    struct fake_files *fake = context;
    int result = begin(fake, FAKE_LIST);
    struct fake_names copy = { 0 };

    if (result < 0)
        return result;
    /* A copy, as the visitor may change the folder. */
    fake_names_copy(&fake->folder.now, &copy);
    for (size_t i = 0; i < copy.count && result == 0; i++)
        result = visit(visitor, copy.entries[i].name);
    fake_names_fini(&copy);
    return result;
}

struct files fake_files_port(struct fake_files *fake)
{
    return (struct files){
        .context = fake,
        .open = on_open,
        .close = on_close,
        .size = on_size,
        .read = on_read,
        .write = on_write,
        .sync = on_sync,
        .reserve = on_reserve,
        .truncate = on_truncate,
        .rename = on_rename,
        .remove = on_remove,
        .sync_folder = on_sync_folder,
        .list = on_list,
    };
}

/* ---- what a test calls ---- */

struct fake_files *fake_files_new(uint64_t seed)
{
    struct fake_files *fake = calloc(1, sizeof(*fake));

    MQTT_INVARIANT(fake != NULL);
    fake->random.state = seed * 0x9e3779b97f4a7c15u + 1;
    if (fake->random.state == 0)
        fake->random.state = 1;
    fake->bound = UINT64_MAX;
    return fake;
}

void fake_files_free(struct fake_files *fake)
{
    if (fake == NULL)
        return;
    while (fake->inodes != NULL) {
        struct fake_inode *inode = fake->inodes;
        fake->inodes = inode->next;
        free_inode(inode);
    }
    fake_folder_fini(&fake->folder);
    free(fake);
}

uint64_t fake_files_count(const struct fake_files *fake, enum fake_operation operation)
{
    return fake->counts[operation];
}

void fake_files_fail(struct fake_files *fake, enum fake_operation operation, uint64_t nth,
                     int error, bool lasts)
{
    fake->failures[operation] = (struct failure){ .left = nth, .error = error, .lasts = lasts };
}

void fake_files_bound(struct fake_files *fake, uint64_t bytes)
{
    fake->bound = bytes;
}

void fake_files_cut_at(struct fake_files *fake, uint64_t nth)
{
    fake->cut_left = nth;
}

void fake_files_cut(struct fake_files *fake)
{
    fake->is_cut = true;
}

bool fake_files_is_cut(const struct fake_files *fake)
{
    return fake->is_cut;
}

/* ---- after a cut ---- */

struct fake_files *fake_files_after_cut(const struct fake_files *fake, uint64_t seed, bool tears)
{
    /* Nearly everything, nearly nothing, and all in between. */
    static const unsigned shares[] = { 0, 4, 50, 96, 100 };
    struct fake_files *after = fake_files_new(seed);
    const struct fake_chance chance = {
        &after->random,
        shares[test_random_below(&after->random, MQTT_ARRAY_LEN(shares))],
        tears,
    };
    struct fake_names names = { 0 };

    fake_folder_cut(&fake->folder, &chance, &names);
    for (size_t i = 0; i < names.count; i++) {
        struct fake_inode *inode = add_inode(after);
        fake_sectors_cut(&names.entries[i].inode->sectors, &chance, &inode->sectors);
        inode->reserved = inode->sectors.now.size;
        fake_folder_name(&after->folder, names.entries[i].name, inode);
    }
    fake_folder_sync(&after->folder);
    fake_names_fini(&names);
    return after;
}

/* ---- the hand of the test ---- */

void fake_files_put(struct fake_files *fake, const char *name, struct mqtt_span bytes)
{
    struct fake_inode *inode = add_inode(fake);

    fake_sectors_write(&inode->sectors, 0, bytes.data, bytes.len);
    fake_sectors_sync(&inode->sectors);
    inode->reserved = bytes.len;
    fake_folder_name(&fake->folder, name, inode);
    fake_folder_sync(&fake->folder);
    sweep(fake);
}

bool fake_files_flip(struct fake_files *fake, const char *name, uint64_t offset, uint8_t mask)
{
    struct fake_inode *inode = fake_folder_find(&fake->folder.now, name);

    if (inode == NULL || offset >= inode->sectors.now.size)
        return false;
    struct fake_sectors *sectors = &inode->sectors;
    sectors->now.bytes[offset] ^= mask;
    if (offset < sectors->disk.size)
        sectors->disk.bytes[offset] ^= mask;
    return true;
}

struct mqtt_span fake_files_get(const struct fake_files *fake, const char *name)
{
    struct fake_inode *inode = fake_folder_find(&fake->folder.now, name);

    if (inode == NULL)
        return (struct mqtt_span){ 0 };
    return (struct mqtt_span){ inode->sectors.now.bytes, inode->sectors.now.size };
}

bool fake_files_has(const struct fake_files *fake, const char *name)
{
    return fake_folder_find(&fake->folder.now, name) != NULL;
}
