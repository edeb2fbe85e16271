/* SPDX-License-Identifier: Apache-2.0 */
/* What lives after the frames of a log, by following them: for those who may not open the store,
 * as somebody else has it open. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct journal_op;

struct store_item {
    uint64_t key;   /* 0: free */
    uint64_t body;  /* key; 0: none */
    uint8_t *bytes; /* owned; NULL: not kept */
    size_t len;
    uint32_t users; /* of a body: how many things need it */
    bool is_there;  /* a body that is needed may come later: housekeeping moves them */
};

/* Zeroed is empty, and keeps no bytes. */
struct store_contents {
    bool keeps_bytes;
    struct store_item *items; /* a hash table; after the settling in the order of the keys */
    size_t count;
    size_t room; /* of the table, a power of 2 */
    uint64_t bytes;
};

/* The operations of the next frame. -EBADMSG: some of them are none; -ENOMEM. */
MQTT_NODISCARD int store_contents_apply(struct store_contents *contents, struct mqtt_span ops);

/* One operation of it. -ENOMEM. */
MQTT_NODISCARD int store_contents_apply_op(struct store_contents *contents,
                                           const struct journal_op *op);

/* No frames follow: lets go of bodies that nobody needs, and of things whose body is not there, of
 * which `lost` is told first. It may be NULL. */
void store_contents_settle(struct store_contents *contents,
                           void (*lost)(void *context, const struct store_item *item),
                           void *context);

/* NULL: it does not live. Good until the next change. */
const struct store_item *store_contents_find(const struct store_contents *contents, uint64_t key);

void store_contents_fini(struct store_contents *contents);
