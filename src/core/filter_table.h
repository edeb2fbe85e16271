/* SPDX-License-Identifier: Apache-2.0 */
/* Exact topic filters by their text: what every message that is not in the route cache asks
 * once.
 *
 * Owner: the shard. Made for one cache miss: a filter is a cache line, and the line stands where
 * its hash says, or a little behind. So filters move when the table changes; their subscribers
 * are linked to them and to nothing else. A table that grows or shrinks moves a few lines per
 * change, never all at once. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "base/siphash.h"
#include "base/span.h"

#include <stddef.h>
#include <stdint.h>

#define FILTER_TEXT_BYTES 40

/* One distinct filter and who subscribed to it. */
struct topic_filter {
    struct list links; /* topic_link.in_filter; never empty while it is in a table */
    uint32_t hash;
    uint32_t len; /* 0: a free line of a table */
    union {
        uint8_t text[FILTER_TEXT_BYTES];
        uint8_t *far_text; /* where it is longer than that */
    };
};

/* In segments, which are made when they are first written to and given back as soon as a move has
 * left them: memory by the hundred megabytes is neither asked for nor returned at once. */
struct filter_lines {
    struct topic_filter **segments; /* NULL: all of it is free */
    uint32_t count;                 /* of lines; 0: no table */
};

struct filter_table {
    struct siphash_key key;
    size_t filters;
    struct filter_lines now;
    struct filter_lines old; /* being left, from `moved` on; none otherwise */
    uint32_t moved;
    size_t far_bytes;
};

void filter_table_init(struct filter_table *table, const struct siphash_key *key);
void filter_table_fini(struct filter_table *table); /* no filter is left */

/* Borrowed until the next change of the table, or NULL. */
MQTT_HOT struct topic_filter *filter_table_find(const struct filter_table *table,
                                                struct mqtt_span text);

/* A new filter that is not in the table, with its first subscriber. -ENOMEM. */
MQTT_NODISCARD int filter_table_add(struct filter_table *table, struct mqtt_span text,
                                    struct list *first);

/* Removes a filter whose last subscriber has gone. */
void filter_table_remove(struct filter_table *table, struct topic_filter *filter);

struct mqtt_span filter_text(const struct topic_filter *filter);

/* Gives a filter that lies elsewhere its text: a copy where it is short, else borrowed. */
void filter_set_text(struct topic_filter *filter, uint8_t *text, size_t len);

/* Goes on with a move, if one is on. Filters move. */
void filter_table_settle(struct filter_table *table);

size_t filter_table_bytes(const struct filter_table *table); /* held, filters included */
