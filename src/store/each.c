/* SPDX-License-Identifier: Apache-2.0 */
/* store_each(): in the order of the keys, which is roughly that in which things were written, so
 * that windows of the files, read once, serve most of them. */
#include "store/engine.h"

#include <errno.h>
#include <stdlib.h>

#define WINDOW_BYTES ((uint64_t)64 * 1024)
#define WINDOW_COUNT 256u
#define AHEAD        8u

struct window {
    uint32_t slot;
    uint64_t index; /* it begins at index * WINDOW_BYTES */
    size_t len;
    uint8_t *bytes; /* NULL: not read yet */
};

struct buffer {
    uint8_t *bytes;
    size_t room;
};

struct walk {
    struct store *store;
    struct segment **segments; /* by slot */
    struct window windows[WINDOW_COUNT];
    struct buffer thing; /* of records that lie in more than one window */
    struct buffer body;
};

static int open_segment(struct store *store, struct segment *segment)
{
    if (segment->file != NULL)
        return 0;
    return store->files.open(store->files.context, segment->name, FILE_READ, &segment->file);
}

static int read_at(struct walk *walk, uint32_t slot, uint64_t offset, uint8_t *into, size_t len)
{
    struct segment *segment = walk->segments[slot];
    int error = open_segment(walk->store, segment);
    if (error < 0)
        return error;
    int64_t n = walk->store->files.read(segment->file, offset, into, len);
    return n > INT32_MAX ? -EIO : (int)n;
}

static int fill_window(struct walk *walk, struct window *window, uint32_t slot, uint64_t index)
{
    if (window->bytes == NULL)
        window->bytes = malloc(WINDOW_BYTES);
    if (window->bytes == NULL)
        return -ENOMEM;
    window->len = 0;
    int n = read_at(walk, slot, index * WINDOW_BYTES, window->bytes, WINDOW_BYTES);
    if (n < 0)
        return n;
    window->slot = slot;
    window->index = index;
    window->len = (size_t)n;
    return 0;
}

static int read_alone(struct walk *walk, const struct key_index_entry *entry, struct buffer *buffer,
                      struct mqtt_span *out)
{
    if (entry->bytes > buffer->room) {
        uint8_t *larger = realloc(buffer->bytes, entry->bytes);
        if (larger == NULL)
            return -ENOMEM;
        buffer->bytes = larger;
        buffer->room = entry->bytes;
    }
    int n = read_at(walk, entry->slot, entry->offset, buffer->bytes, entry->bytes);
    if (n < 0)
        return n;
    *out = (struct mqtt_span){ buffer->bytes, (size_t)n };
    return 0;
}

static int read_entry(struct walk *walk, const struct key_index_entry *entry, struct buffer *buffer,
                      struct mqtt_span *out)
{
    uint64_t index = entry->offset / WINDOW_BYTES;
    uint64_t within = entry->offset % WINDOW_BYTES;
    if (within + entry->bytes > WINDOW_BYTES)
        return read_alone(walk, entry, buffer, out);
    struct window *window = &walk->windows[(entry->slot * 61 + index) % WINDOW_COUNT];
    if (window->len == 0 || window->slot != entry->slot || window->index != index) {
        int error = fill_window(walk, window, entry->slot, index);
        if (error < 0)
            return error;
    }
    if (within + entry->bytes > window->len)
        return -EBADMSG;
    *out = (struct mqtt_span){ window->bytes + within, entry->bytes };
    return 0;
}

/* The bytes of the thing, if its operation is still what it was. */
static int read_record(struct walk *walk, const struct key_index_entry *entry,
                       struct buffer *buffer, struct mqtt_span *out)
{
    struct mqtt_span whole;
    struct journal_op op;
    int error = read_entry(walk, entry, buffer, &whole);
    if (error < 0)
        return error;
    if (journal_op_next(&whole, &op) != 1 || whole.len != 0 || op.verb != JOURNAL_PUT
        || op.key != entry->key)
        return -EBADMSG;
    *out = op.bytes;
    return 0;
}

static int visit_one(struct walk *walk, uint64_t key, store_visit visit, void *context)
{
    const struct key_index *index = &walk->store->living.index;
    const struct key_index_entry *entry = key_index_find(index, key);
    struct store_thing thing = { .key = key, .body_key = entry->need };
    int error = read_record(walk, entry, &walk->thing, &thing.bytes);
    if (error == 0 && thing.body_key != 0)
        error = read_record(walk, key_index_find(index, thing.body_key), &walk->body, &thing.body);
    return error < 0 ? error : visit(context, &thing);
}

static int by_key(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

/* All keys but those of bodies. */
static int sorted_keys(const struct store *store, uint64_t **out, size_t *out_count)
{
    const struct key_index *index = &store->living.index;
    size_t count = 0;
    uint64_t *keys = reallocarray(NULL, index->count + 1, sizeof(*keys));
    if (keys == NULL)
        return -ENOMEM;
    for (size_t i = 0; index->table != NULL && i <= index->mask; i++) {
        uint64_t key = index->table[i].key;
        if (key != 0 && journal_kind_of(key) != JOURNAL_BODY)
            keys[count++] = key;
    }
    qsort(keys, count, sizeof(*keys), by_key);
    *out = keys;
    *out_count = count;
    return 0;
}

static int begin_walk(struct store *store, struct walk *walk)
{
    walk->store = store;
    walk->segments = calloc((size_t)store->slot_count + 1, sizeof(struct segment *));
    if (walk->segments == NULL)
        return -ENOMEM;
    for (struct segment *s = segments_oldest(store); s != NULL; s = segments_next(store, s))
        walk->segments[s->slot] = s;
    return 0;
}

static void end_walk(struct walk *walk)
{
    struct store *store = walk->store;
    for (struct segment *s = segments_oldest(store); s != NULL; s = segments_next(store, s)) {
        if (s == store->current)
            continue;
        store->files.close(s->file);
        s->file = NULL;
    }
    for (size_t i = 0; i < WINDOW_COUNT; i++)
        free(walk->windows[i].bytes);
    free(walk->thing.bytes);
    free(walk->body.bytes);
    free(walk->segments);
    free(walk);
}

/* What is looked for soon is fetched into the cache meanwhile: the thing first, its body then. */
static void look_ahead(const struct key_index *index, const uint64_t *keys, size_t count, size_t at)
{
    if (count - at > 2 * AHEAD)
        key_index_prefetch(index, keys[at + 2 * AHEAD]);
    if (count - at > AHEAD)
        key_index_prefetch(index, key_index_find(index, keys[at + AHEAD])->need);
}

int store_each(struct store *store, store_visit visit, void *context)
{
    uint64_t *keys;
    size_t count;
    struct walk *walk = calloc(1, sizeof(*walk));
    if (walk == NULL)
        return -ENOMEM;
    int result = begin_walk(store, walk);
    if (result == 0)
        result = sorted_keys(store, &keys, &count);
    if (result == 0) {
        for (size_t i = 0; i < count && result == 0; i++) {
            look_ahead(&store->living.index, keys, count, i);
            result = visit_one(walk, keys[i], visit, context);
        }
        free(keys);
    }
    end_walk(walk);
    return result;
}
