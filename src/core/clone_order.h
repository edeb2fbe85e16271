/* SPDX-License-Identifier: Apache-2.0 */
/* What the shards tell each other about connections of one key (clone.h): orders that name both
 * connections by number. Within a shard they are followed at once. Private to clone*.c.
 *
 * Owner: the shard. */
#pragma once

#include "core/clone.h"

enum clone_word {
    CLONE_WORD_NONE = 0,
    CLONE_WORD_ASK,     /* give a sign of life, to `from` */
    CLONE_WORD_ALIVE,   /* `from` has */
    CLONE_WORD_LEFT,    /* `from` went when it was asked */
    CLONE_WORD_GONE,    /* `from` was not there any more */
    CLONE_WORD_LATER,   /* `from` cannot be asked at the moment */
    CLONE_WORD_DISMISS, /* close: it is dead */
    CLONE_WORD_DROP,    /* close: it is a clone */
    CLONE_WORD_HOLD,
};

struct clone_order {
    uint32_t word; /* enum clone_word */
    uint32_t shard;
    uint64_t to;
    uint64_t from;
    uint64_t from_shard;
};

void clone_order_tell(struct broker *broker, enum clone_word word, const struct sighting_ref *to,
                      uint64_t from, uint64_t now_ms);

/* Borrowed, or NULL: it is not here any more. */
struct clone_watch *clone_order_find(const struct broker *broker, uint64_t number);

/* ---- what follows an order ---- */

/* clone_answer.c: asks for a sign of life. */
void clone_answer_asked(struct broker *broker, const struct clone_order *order, uint64_t now_ms);

/* Tells all that wait for an answer. */
void clone_answer_all(struct clone_watch *watch, enum clone_word word, uint64_t now_ms);

/* clone.c: an answer has come. */
void clone_answered(struct broker *broker, const struct clone_order *order, uint64_t now_ms);
