/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: a store in a real temporary folder, frames that are put together operation by
 * operation, and what it holds as text. */
#pragma once

#include "base/span.h"
#include "store/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STAND_PATH_BYTES 128u

struct stand {
    char folder[64];
    struct files files;
    struct store_options options;
    struct store *store; /* NULL: closed */
    struct store_found found;
    struct store_damage damage; /* the last one that was reported, with its own name: */
    char damaged_name[STORE_NAME_BYTES];
    unsigned damages;
};

/* Makes the folder; segments of STORE_SEGMENT_LEAST, no bound that matters. */
void stand_init(struct stand *stand);
/* From the next opening on nothing is synced and space is not reserved: for thousands of them. */
void stand_hurry(struct stand *stand);
void stand_fini(struct stand *stand); /* removes it and what is in it */

int stand_open(struct stand *stand); /* what store_open() returns */
void stand_close(struct stand *stand);
void stand_reopen(struct stand *stand); /* which must succeed */

/* A frame with its bytes; free() it. */
struct stand_frame {
    struct store_frame frame; /* first */
    size_t room;
    uint8_t *ops;
};
struct stand_frame *stand_frame_new(void);
void stand_frame_free(struct stand_frame *frame);
/* Frees those that store_take_confirmed() gave; returns how many. */
size_t stand_free_all(struct store_frame *frames);

void stand_put(struct stand_frame *frame, uint64_t key, uint64_t body, struct mqtt_span bytes);
void stand_put_text(struct stand_frame *frame, uint64_t key, uint64_t body, const char *text);
void stand_drop(struct stand_frame *frame, uint64_t key);

/* Writes the one frame and syncs; both must succeed. */
void stand_commit(struct stand *stand, struct stand_frame *frame);

/* "key=text key=text/body ..." of all that lives, in hexadecimal keys. Valid until the next one. */
const char *stand_text(struct stand *stand);

/* The content of a file; free() it. */
uint8_t *stand_slurp(const struct stand *stand, const char *name, size_t *out_len);
void stand_spill(const struct stand *stand, const char *name, const uint8_t *bytes, size_t len);
void stand_remove(const struct stand *stand, const char *name);
bool stand_has(const struct stand *stand, const char *name);
/* How many names begin so. */
unsigned stand_count(const struct stand *stand, const char *prefix);

static inline uint64_t stand_body(uint64_t number)
{
    return journal_key(JOURNAL_BODY, number);
}

static inline uint64_t stand_delivery(uint64_t number)
{
    return journal_key(JOURNAL_DELIVERY, number);
}

static inline uint64_t stand_session(uint64_t number)
{
    return journal_key(JOURNAL_SESSION, number);
}
