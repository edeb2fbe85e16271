/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/store_contents.h"

#include "core/journal_op.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_FIRST 1024u

static size_t home_of(const struct store_contents *contents, uint64_t key)
{
    uint64_t mixed = key * 0x9e3779b97f4a7c15u;
    return (size_t)(mixed >> 20) & (contents->room - 1);
}

/* Where the key is, or a free place for it. */
static struct store_item *place_of(const struct store_contents *contents, uint64_t key)
{
    size_t at = home_of(contents, key);
    while (contents->items[at].key != 0 && contents->items[at].key != key)
        at = (at + 1) & (contents->room - 1);
    return &contents->items[at];
}

static struct store_item *find(const struct store_contents *contents, uint64_t key)
{
    if (contents->room == 0)
        return NULL;
    struct store_item *item = place_of(contents, key);
    return item->key == key ? item : NULL;
}

/* One key more has room, with a quarter of the table free. */
static int grow(struct store_contents *contents)
{
    if ((contents->count + 1) * 4 < contents->room * 3)
        return 0;
    size_t room = contents->room > 0 ? 2 * contents->room : ROOM_FIRST;
    struct store_item *items = calloc(room, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    const struct store_contents bigger = { .items = items, .room = room };
    for (size_t i = 0; i < contents->room; i++)
        if (contents->items[i].key != 0)
            *place_of(&bigger, contents->items[i].key) = contents->items[i];
    free(contents->items);
    contents->items = items;
    contents->room = room;
    return 0;
}

/* NULL: out of memory. Others move. */
static struct store_item *find_or_add(struct store_contents *contents, uint64_t key)
{
    if (grow(contents) < 0)
        return NULL;
    struct store_item *item = place_of(contents, key);
    if (item->key == 0) {
        item->key = key;
        contents->count++;
    }
    return item;
}

/* Closes the gap, so that no search ends at it. */
static void take_out(struct store_contents *contents, struct store_item *item)
{
    size_t gap = (size_t)(item - contents->items);
    size_t at = gap;

    contents->bytes -= item->len;
    free(item->bytes);
    contents->items[gap] = (struct store_item){ 0 };
    contents->count--;
    for (;;) {
        at = (at + 1) & (contents->room - 1);
        if (contents->items[at].key == 0)
            return;
        size_t home = home_of(contents, contents->items[at].key);
        if (((at - home) & (contents->room - 1)) < ((at - gap) & (contents->room - 1)))
            continue;
        contents->items[gap] = contents->items[at];
        contents->items[at] = (struct store_item){ 0 };
        gap = at;
    }
}

static int set_bytes(struct store_contents *contents, struct store_item *item,
                     struct mqtt_span bytes)
{
    uint8_t *copy = NULL;
    if (contents->keeps_bytes) {
        copy = malloc(bytes.len + 1);
        if (copy == NULL)
            return -ENOMEM;
        if (bytes.len > 0)
            memcpy(copy, bytes.data, bytes.len);
    }
    free(item->bytes);
    contents->bytes += bytes.len - item->len;
    item->bytes = copy;
    item->len = bytes.len;
    item->is_there = true;
    return 0;
}

static void release_body(struct store_contents *contents, uint64_t key)
{
    struct store_item *body = key != 0 ? find(contents, key) : NULL;
    if (body != NULL && body->users > 0)
        body->users--;
}

static int put(struct store_contents *contents, const struct journal_op *op)
{
    struct store_item *item = NULL;
    if (op->body != 0) {
        item = find_or_add(contents, op->body);
        if (item == NULL)
            return -ENOMEM;
        item->users++;
    }
    item = find_or_add(contents, op->key);
    if (item == NULL || set_bytes(contents, item, op->bytes) < 0)
        return -ENOMEM;
    uint64_t old_body = item->body;
    item->body = op->body;
    release_body(contents, old_body);
    return 0;
}

static void drop(struct store_contents *contents, uint64_t key)
{
    struct store_item *item = find(contents, key);
    if (item == NULL)
        return;
    uint64_t body = item->body;
    take_out(contents, item);
    release_body(contents, body);
}

int store_contents_apply_op(struct store_contents *contents, const struct journal_op *op)
{
    if (op->verb == JOURNAL_PUT)
        return put(contents, op);
    drop(contents, op->key);
    return 0;
}

int store_contents_apply(struct store_contents *contents, struct mqtt_span ops)
{
    struct journal_op op;
    int more = journal_op_next(&ops, &op);
    for (; more == 1; more = journal_op_next(&ops, &op)) {
        int error = store_contents_apply_op(contents, &op);
        if (error < 0)
            return error;
    }
    return more;
}

static int by_key(const void *left, const void *right)
{
    const struct store_item *a = left;
    const struct store_item *b = right;
    return (a->key > b->key) - (a->key < b->key);
}

static bool lacks_body(const struct store_contents *contents, const struct store_item *item)
{
    const struct store_item *body = item->body != 0 ? find(contents, item->body) : NULL;
    return item->body != 0 && (body == NULL || !body->is_there);
}

static bool is_idle_body(const struct store_item *item)
{
    return journal_kind_of(item->key) == JOURNAL_BODY && (item->users == 0 || !item->is_there);
}

void store_contents_settle(struct store_contents *contents,
                           void (*lost)(void *context, const struct store_item *item),
                           void *context)
{
    size_t count = 0;
    /* Others are found by the table, so it stays as it is until the last one was judged. */
    for (size_t i = 0; i < contents->room; i++) {
        struct store_item *item = &contents->items[i];
        if (item->key == 0 || !lacks_body(contents, item))
            continue;
        if (lost != NULL)
            lost(context, item);
        item->is_there = false;
    }
    for (size_t i = 0; i < contents->room; i++) {
        struct store_item item = contents->items[i];
        if (item.key == 0)
            continue;
        if (item.is_there && !is_idle_body(&item)) {
            contents->items[count++] = item;
        } else {
            contents->bytes -= item.len;
            free(item.bytes);
        }
    }
    contents->count = count;
    contents->room = 0;
    if (count > 0)
        qsort(contents->items, count, sizeof(*contents->items), by_key);
}

const struct store_item *store_contents_find(const struct store_contents *contents, uint64_t key)
{
    const struct store_item wanted = { .key = key };
    if (contents->room > 0)
        return find(contents, key);
    if (contents->count == 0)
        return NULL;
    return bsearch(&wanted, contents->items, contents->count, sizeof(*contents->items), by_key);
}

void store_contents_fini(struct store_contents *contents)
{
    size_t places = contents->room > 0 ? contents->room : contents->count;
    for (size_t i = 0; i < places; i++)
        free(contents->items[i].bytes);
    free(contents->items);
    *contents = (struct store_contents){ 0 };
}
