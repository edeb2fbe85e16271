/* SPDX-License-Identifier: Apache-2.0 */
/* store_compact(): housekeeping that does not weigh what it costs. */
#include "store/engine.h"

#include <errno.h>

static int error_of(const struct store *store)
{
    int error = store_error(store);
    return error < 0 ? error : -EIO;
}

static int copy_all(struct store *store)
{
    while (segments_oldest(store)->number < store->compact_below) {
        bool more = store_tend(store);
        if (store_state(store) == STORE_FAILED)
            return error_of(store);
        /* Nothing is left to do, and still it is there: it could not be given up. */
        if (!more && segments_oldest(store)->number < store->compact_below)
            return error_of(store);
    }
    return store_sync(store);
}

int store_compact(struct store *store)
{
    if (store->is_failed || store->current == NULL)
        return error_of(store);
    store->compact_below = store->current->number;
    int error = copy_all(store);
    store->compact_below = 0;
    return error;
}
