/* SPDX-License-Identifier: Apache-2.0 */
#include "core/filter_table.h"

#include "base/invariant.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES     64u
#define SMALLEST_TABLE 16u /* lines */
#define LINES_PER_STEP 32u
#define SEGMENT_LINES  4096u

_Static_assert(sizeof(struct topic_filter) == LINE_BYTES || sizeof(void *) != 8, "one line");

struct mqtt_span filter_text(const struct topic_filter *filter)
{
    const uint8_t *text = filter->len <= FILTER_TEXT_BYTES ? filter->text : filter->far_text;

    return (struct mqtt_span){ text, filter->len };
}

void filter_set_text(struct topic_filter *filter, uint8_t *text, size_t len)
{
    filter->len = (uint32_t)len;
    if (len <= FILTER_TEXT_BYTES)
        memcpy(filter->text, text, len);
    else
        filter->far_text = text;
}

/* ---- lines ---- */

static int lines_init(struct filter_lines *lines, uint32_t count)
{
    *lines = (struct filter_lines){ .count = count };
    lines->segments = calloc((size_t)(count - 1) / SEGMENT_LINES + 1, sizeof(lines->segments[0]));
    return lines->segments != NULL ? 0 : -ENOMEM;
}

static void lines_fini(struct filter_lines *lines)
{
    for (uint32_t i = 0; lines->segments != NULL && i <= (lines->count - 1) / SEGMENT_LINES; i++)
        free(lines->segments[i]);
    free(lines->segments);
    *lines = (struct filter_lines){ 0 };
}

/* NULL: free, and so is its whole segment. */
static struct topic_filter *line_at(const struct filter_lines *lines, uint32_t i)
{
    struct topic_filter *segment = lines->segments[i / SEGMENT_LINES];

    return MQTT_LIKELY(segment != NULL) ? &segment[i % SEGMENT_LINES] : NULL;
}

/* The line, taken or free, or NULL. */
static struct topic_filter *taken_line(const struct filter_lines *lines, uint32_t i)
{
    struct topic_filter *line = line_at(lines, i);

    return line != NULL && line->len != 0 ? line : NULL;
}

/* A line that may be written to. NULL out of memory. */
static struct topic_filter *line_made(struct filter_lines *lines, uint32_t i)
{
    struct topic_filter **segment = &lines->segments[i / SEGMENT_LINES];
    uint32_t left = lines->count - i / SEGMENT_LINES * SEGMENT_LINES;
    size_t bytes = (size_t)(left < SEGMENT_LINES ? left : SEGMENT_LINES) * LINE_BYTES;

    if (*segment == NULL) {
        *segment = aligned_alloc(LINE_BYTES, bytes);
        if (*segment == NULL)
            return NULL;
        memset(*segment, 0, bytes);
    }
    return line_at(lines, i);
}

static void drop_segment(struct filter_lines *lines, uint32_t i)
{
    free(lines->segments[i / SEGMENT_LINES]);
    lines->segments[i / SEGMENT_LINES] = NULL;
}

/* Neighbouring hashes have neighbouring homes, so that a table may have any number of lines. */
static uint32_t home_of(const struct filter_lines *lines, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * lines->count >> 32);
}

static uint32_t after(const struct filter_lines *lines, uint32_t i)
{
    return i + 1 < lines->count ? i + 1 : 0;
}

static bool is_it(const struct topic_filter *filter, uint32_t hash, struct mqtt_span text)
{
    return filter->hash == hash && span_equal(filter_text(filter), text);
}

static struct topic_filter *find_in(const struct filter_lines *lines, uint32_t hash,
                                    struct mqtt_span text)
{
    uint32_t i = home_of(lines, hash);
    struct topic_filter *filter = taken_line(lines, i);

    while (filter != NULL && !is_it(filter, hash, text)) {
        i = after(lines, i);
        filter = taken_line(lines, i);
    }
    return filter;
}

/* What has moved leaves a gap behind it, which must not end the search. */
static struct topic_filter *find_in_old(const struct filter_table *table, uint32_t hash,
                                        struct mqtt_span text)
{
    const struct filter_lines *old = &table->old;
    uint32_t home = home_of(old, hash);

    for (uint32_t i = home < table->moved ? table->moved : home; i < old->count; i++) {
        struct topic_filter *filter = taken_line(old, i);
        if (filter == NULL || is_it(filter, hash, text))
            return filter;
    }
    return NULL;
}

struct topic_filter *filter_table_find(const struct filter_table *table, struct mqtt_span text)
{
    uint32_t hash = (uint32_t)siphash(&table->key, text);
    struct topic_filter *found =
        MQTT_LIKELY(table->now.count > 0) ? find_in(&table->now, hash, text) : NULL;

    if (found == NULL && MQTT_UNLIKELY(table->old.count > 0))
        found = find_in_old(table, hash, text);
    return found;
}

/* The subscribers follow: they are linked to the line. */
static void move_line(struct topic_filter *to, struct topic_filter *from)
{
    *to = *from;
    to->links.next->prev = &to->links;
    to->links.prev->next = &to->links;
    from->len = 0;
}

/* NULL out of memory. */
static struct topic_filter *free_line(struct filter_lines *lines, uint32_t hash)
{
    uint32_t i = home_of(lines, hash);

    while (taken_line(lines, i) != NULL)
        i = after(lines, i);
    return line_made(lines, i);
}

/* Closes the gap at `i`: who stands behind it and would rather stand there moves up. */
static void close_gap(const struct filter_lines *lines, uint32_t gap)
{
    struct topic_filter *to = line_at(lines, gap);
    uint32_t i = after(lines, gap);

    MQTT_INVARIANT(to != NULL);
    for (struct topic_filter *line = taken_line(lines, i); line != NULL;
         line = taken_line(lines, i)) {
        uint32_t home = home_of(lines, line->hash);
        bool stays = gap <= i ? home > gap && home <= i : home > gap || home <= i;

        if (!stays) {
            move_line(to, line);
            to = line;
            gap = i;
        }
        i = after(lines, i);
    }
}

/* ---- growing and shrinking ---- */

/* False: out of memory; the line stays where it is until the next attempt. */
static bool move_next(struct filter_table *table)
{
    struct topic_filter *from = taken_line(&table->old, table->moved);
    struct topic_filter *to = from != NULL ? free_line(&table->now, from->hash) : NULL;

    if (from != NULL && to == NULL)
        return false;
    if (from != NULL)
        move_line(to, from);
    if (++table->moved % SEGMENT_LINES == 0)
        drop_segment(&table->old, table->moved - 1);
    if (table->moved == table->old.count)
        lines_fini(&table->old);
    return true;
}

/* Some of the lines at the beginning may stand there because the end was full. They are moved at
 * once, with their neighbours: then nobody's way leads around the end of the old table. */
static uint32_t first_run(const struct filter_lines *lines)
{
    uint32_t run = 0;

    while (run < lines->count && taken_line(lines, run) != NULL)
        run++;
    return run;
}

static bool make_room_for_run(struct filter_lines *next, const struct filter_lines *now,
                              uint32_t run)
{
    for (uint32_t i = 0; i < run; i++) {
        const struct topic_filter *line = taken_line(now, i);
        uint32_t home = line != NULL ? home_of(next, line->hash) : 0;

        if (line_made(next, home) == NULL
            || line_made(next, (uint32_t)(((uint64_t)home + run) % next->count)) == NULL)
            return false;
    }
    return true;
}

/* Without memory all stays as it is: a fuller table is slower, not wrong. */
static void begin_move(struct filter_table *table, uint32_t count)
{
    struct filter_lines next;
    uint32_t run = first_run(&table->now);

    if (lines_init(&next, count) < 0)
        return;
    if (!make_room_for_run(&next, &table->now, run)) {
        lines_fini(&next);
        return;
    }
    table->old = table->now;
    table->now = next;
    table->moved = 0;
    while (table->old.count > 0 && table->moved < run)
        (void)move_next(table); /* there is room */
}

void filter_table_settle(struct filter_table *table)
{
    unsigned most = LINES_PER_STEP;

    while (table->old.count > 0 && most-- > 0 && move_next(table))
        continue;
}

/* A filter has 85 to 119 bytes in a growing table. A move is over long before the next one begins.
 * False: full, and no memory to grow. */
static bool fit(struct filter_table *table)
{
    uint64_t count = table->now.count;
    uint64_t filters = table->filters;
    uint64_t smaller = count / 2 > SMALLEST_TABLE ? count / 2 : SMALLEST_TABLE;

    filter_table_settle(table);
    if (table->old.count == 0 && (filters + 1) * 4 > count * 3 && count < UINT32_MAX / 2)
        begin_move(table, (uint32_t)(count < SMALLEST_TABLE ? SMALLEST_TABLE : count * 7 / 5));
    else if (table->old.count == 0 && filters * 4 < count && count > SMALLEST_TABLE)
        begin_move(table, (uint32_t)smaller);
    return filters + 1 < table->now.count;
}

/* ---- the table ---- */

void filter_table_init(struct filter_table *table, const struct siphash_key *key)
{
    *table = (struct filter_table){ .key = *key };
}

void filter_table_fini(struct filter_table *table)
{
    MQTT_INVARIANT(table->filters == 0);
    lines_fini(&table->now);
    lines_fini(&table->old);
    *table = (struct filter_table){ 0 };
}

int filter_table_add(struct filter_table *table, struct mqtt_span text, struct list *first)
{
    uint8_t *far_text = NULL;

    if (!fit(table))
        return -ENOMEM;
    if (text.len > FILTER_TEXT_BYTES) {
        far_text = malloc(text.len);
        if (far_text == NULL)
            return -ENOMEM;
        memcpy(far_text, text.data, text.len);
        table->far_bytes += text.len;
    }
    uint32_t hash = (uint32_t)siphash(&table->key, text);
    struct topic_filter *filter = free_line(&table->now, hash);
    if (filter == NULL) {
        table->far_bytes -= far_text != NULL ? text.len : 0;
        free(far_text);
        return -ENOMEM;
    }
    filter->hash = hash;
    filter->len = (uint32_t)text.len;
    if (far_text != NULL)
        filter->far_text = far_text;
    else
        memcpy(filter->text, text.data, text.len);
    list_init(&filter->links);
    list_push_back(&filter->links, first);
    table->filters++;
    return 0;
}

/* Where it stands among these lines; their count: it does not. */
static uint32_t place_of(const struct filter_lines *lines, const struct topic_filter *filter,
                         uint32_t first)
{
    uint32_t home = lines->count > 0 ? home_of(lines, filter->hash) : 0;
    uint32_t i = home < first ? first : home;

    for (uint32_t n = 0; n < lines->count; n++) {
        const struct topic_filter *line = taken_line(lines, i);
        if (line == NULL)
            break;
        if (line == filter)
            return i;
        i = after(lines, i);
    }
    return lines->count;
}

void filter_table_remove(struct filter_table *table, struct topic_filter *filter)
{
    const struct filter_lines *lines = &table->now;
    uint32_t place = place_of(lines, filter, 0);

    if (place == lines->count) {
        lines = &table->old;
        place = place_of(lines, filter, table->moved);
    }
    MQTT_INVARIANT(place < lines->count);
    if (filter->len > FILTER_TEXT_BYTES) {
        table->far_bytes -= filter->len;
        free(filter->far_text);
    }
    filter->len = 0;
    table->filters--;
    close_gap(lines, place);
    (void)fit(table);
}

size_t filter_table_bytes(const struct filter_table *table)
{
    size_t lines = (size_t)table->now.count + table->old.count - table->moved;

    return (table->old.count > 0 ? lines : table->now.count) * LINE_BYTES + table->far_bytes;
}
