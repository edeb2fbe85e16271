/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of the scribe. Private to daemon/scribe*.c. */
#pragma once

#include "core/broker.h"
#include "daemon/bell.h"
#include "daemon/scribe.h"
#include "loop/loop.h"

#include <pthread.h>
#include <stdatomic.h>

/* A frame on its way. An empty one only waits for those before it. */
struct scribe_waiting {
    struct store_frame frame;
    struct scribe_waiting *next;
    uint8_t *bytes;
    uint64_t number; /* 0: of what the shards share */
    uint64_t since_us;
    unsigned shard;
    bool is_confirmed;
};

struct scribe_queue {
    struct scribe_waiting *first;
    struct scribe_waiting **last;
    uint64_t bytes;
    uint64_t frames;
};

/* What a shard is told; at most one such message is on its way. */
struct scribe_notice {
    struct loop_message message;
    struct scribe *scribe;
    struct journal_progress progress;
    unsigned shard;
    bool is_posted;      /* or about to be */
    _Atomic bool is_due; /* to be posted by whoever comes first, once the lock is let go */
};

struct scribe {
    struct scribe_options options;
    pthread_t thread;
    struct bell bell;       /* rings for a frame, and for the order to stop */
    pthread_cond_t settled; /* nothing waits, or the disk fails */
    bool has_thread;
    /* under its lock */
    struct scribe_queue incoming;
    struct scribe_notice *notices; /* by shard */
    struct limits limits;
    bool wants_written;
    bool is_stopping;
    bool has_begun; /* to look after the store; at first the others have the processor to start */
    bool is_idle;   /* nothing waits anywhere */
    bool is_broken; /* out of memory: a frame is missing */
    struct scribe_figures figures;
    /* the thread's own */
    struct scribe_queue written; /* and not confirmed */
    enum store_state told;
    uint64_t retry_us;
    uint64_t bound_bytes; /* as the store has it */
};

uint64_t scribe_now_us(void); /* monotonic */

/* ---- scribe_queue.c ---- */

void scribe_queue_init(struct scribe_queue *queue);
void scribe_queue_push(struct scribe_queue *queue, struct scribe_waiting *waiting);
struct scribe_waiting *scribe_queue_pop(struct scribe_queue *queue); /* NULL: it is empty */
void scribe_queue_clear(struct scribe_queue *queue);
void scribe_waiting_free(struct scribe_waiting *waiting); /* NULL is fine */

/* ---- scribe_notice.c ---- */

/* Under the lock: the notice goes out with the next scribe_post_due(), which is called without
 * it. */
void scribe_post(struct scribe_notice *notice);
void scribe_post_due(struct scribe *scribe);

/* Tells all shards and the operator when the state is another. The scribe's thread. */
void scribe_tell_state(struct scribe *scribe);

/* Under the lock. */
void scribe_count_latency(struct scribe_figures *figures, uint64_t us);
void scribe_renew_figures(struct scribe *scribe);
