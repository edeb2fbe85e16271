/* SPDX-License-Identifier: Apache-2.0 */
/* Is a filter contained in a union of filters? Exact, or honestly unknown.
 *
 * Pure but for one block from malloc. Filters are valid by codec/topic.h. */
#pragma once

#include "base/span.h"

#include <stddef.h>

#define FILTER_SET_LEVELS 256   /* of filters whose union is looked at */
#define FILTER_SET_EFFORT 20000 /* combinations of levels looked at before giving up */

/* Zero says no. */
enum filter_cover {
    FILTER_COVER_NO = 0,
    FILTER_COVER_UNKNOWN, /* too deep, too many combinations, or memory is out */
    FILTER_COVER_YES,
};

/* Is every topic that `filter` matches matched by one of `set`? */
enum filter_cover filter_set_covers(const struct mqtt_span *set, size_t count,
                                    struct mqtt_span filter);

/* The difference, shown by one of its topics: one that `filter` matches and none of `set` does.
 * Writes it and its NUL, and returns the answer of filter_set_covers(); *out is "" unless that is
 * NO, and also when the topic has more than `size` - 1 bytes. */
enum filter_cover filter_set_witness(const struct mqtt_span *set, size_t count,
                                     struct mqtt_span filter, char *out, size_t size);
