/* SPDX-License-Identifier: Apache-2.0 */
/* The store from inside: what store.c, store_open.c, segments.c, housekeeping.c and each.c share.
 * Owner: the store's thread. */
#pragma once

#include "base/list.h"
#include "store/living.h"
#include "store/log_format.h"
#include "store/segment_reader.h"
#include "store/store.h"

#define ENGINE_SLICE_BYTES ((uint64_t)256 * 1024)
/* In the sequence of a frame that is the store's own: no sequence is that high. */
#define ENGINE_OWN_FRAME (UINT64_C(1) << 63)

_Static_assert(LOG_FORMAT_MOST < ENGINE_OWN_FRAME, "the bit is free");

/* A file of the log: one that frames are in, or a spare one. */
struct segment {
    struct list node;        /* in `segments` or `spares` */
    uint64_t number;         /* of a spare: only of its name */
    uint64_t first_sequence; /* all before it was confirmed when the segment was begun */
    uint64_t mark;
    uint64_t bytes;          /* of the file */
    uint64_t used;           /* behind its last frame that counts */
    uint64_t filled;         /* of a spare: so much is written, not only reserved */
    uint32_t slot;           /* in `living`; of a spare: none */
    struct file *file;       /* while it is written to; NULL */
    bool is_published;       /* it has the name of a segment: what is in it counts */
    bool is_damaged;         /* to be kept aside */
    bool is_failed;          /* the disk has refused it: not to be used again */
    bool is_stuck;           /* could not be given up: tried again after the next has begun */
    uint8_t failed_readings; /* of it when it was to be copied */
    char name[LOG_FORMAT_NAME_BYTES];
};

/* A frame of the store's own, which waits among those of the caller. */
struct engine_own_frame {
    struct store_frame frame;
    struct engine_own_frame *next;
    uint8_t ops[];
};

/* The oldest segment is being copied forward. */
struct engine_copying {
    struct segment *segment; /* NULL: none is */
    struct segment_bytes bytes;
    struct segment_reader reader;
    struct segment_step step; /* the frame that is being looked through */
    struct mqtt_span rest;    /* of its operations */
};

struct store {
    /* Zeros to write; in the program they would weigh as much. */
    uint8_t blank[LOG_FORMAT_BLOCK_BYTES];
    struct files files;
    uint64_t segment_bytes;
    uint64_t most_bytes;

    struct list segments; /* oldest first; the one that is written to is the last */
    struct list spares;
    unsigned spare_count;
    struct segment *current; /* NULL: none could be begun yet */
    uint64_t next_number;
    uint64_t next_spare;
    struct living living;
    uint32_t *free_slots; /* room for as many as there are slots */
    size_t free_slot_count;
    uint32_t slot_count;
    /* The slot of a segment that was discarded: the index still says that things lie in it. They
     * are all in frames that wait, which go into the next segment, and that gets the slot. */
    uint32_t limbo;
    bool has_limbo;

    /* All frames that are not confirmed, in their order; from `unwritten` on they are not written
     * either. Behind them those that are confirmed and were not taken yet. */
    struct store_frame *waiting;
    struct store_frame *waiting_last;
    struct store_frame *unwritten;
    struct store_frame *done;
    struct store_frame *done_last;
    struct engine_own_frame *own; /* among `waiting`, in their order */
    struct engine_own_frame *own_last;
    uint64_t own_bytes;
    uint64_t next_sequence;
    uint64_t written;
    uint64_t confirmed;

    /* Segments before `oldest` are given up. Their files are used again once a confirmed frame, or
     * the header of a segment, says so. */
    uint64_t oldest;
    uint64_t oldest_said_at; /* by the frame of that sequence; 0: said */
    struct engine_copying copying;
    uint64_t copy_credit; /* bytes that may be copied before more has been written or has died */
    uint64_t died_seen;
    uint64_t compact_below; /* segments before this one are copied whatever it costs; 0: none */

    /* The next segment gets its name only after what waits now is in it and synced: until then the
     * older ones hold frames that may have been confirmed, and that its header will say not to
     * count there. */
    bool publishes_late;
    bool is_failed;
    bool is_short; /* of space: a segment could not be reserved */
    bool is_over;  /* too much lives */
    int error;
    struct segment *unsettled; /* the last one that was found; NULL: nothing to be done */
    struct store_figures figures;
};

/* ---- segments.c ---- */

struct segment *segments_oldest(const struct store *store); /* NULL: none */
/* The one behind it; NULL: it is the last. */
struct segment *segments_next(const struct store *store, const struct segment *segment);
/* A new one, in no list; NULL: out of memory. Released by segments_free(), which also removes it
 * from its list and closes its file. */
struct segment *segments_new(void);
void segments_free(struct store *store, struct segment *segment);
/* Gives it a place in `living`. -ENOMEM. */
MQTT_NODISCARD int segments_take_slot(struct store *store, struct segment *segment);
void segments_give_slot(struct store *store, const struct segment *segment);

/* Makes a spare of `bytes` and reserves its place on the disk. An error for lack of space sets
 * `is_short`, and success clears it. */
MQTT_NODISCARD int segments_reserve(struct store *store, uint64_t bytes, struct segment **out);
/* Its file goes, too. */
void segments_drop_spare(struct store *store, struct segment *segment);
/* Only those of the ordinary size, and not too many. */
void segments_choose_spares(struct store *store);
/* Begins a new segment of at least `bytes` for frames from store->confirmed + 1 on, which is
 * written to from now on. Unless store->publishes_late it is published. */
MQTT_NODISCARD int segments_begin(struct store *store, uint64_t bytes);
/* After what is in the current segment is synced: gives it its name, durably. */
MQTT_NODISCARD int segments_publish(struct store *store);
/* Its file becomes a spare, is kept aside, or is removed. The segment is no more. */
MQTT_NODISCARD int segments_retire(struct store *store, struct segment *segment);
/* Takes away the current segment in which nothing is confirmed, and its file. */
MQTT_NODISCARD int segments_discard_current(struct store *store);
/* Of all of them, spares included, and without them what is in use. */
uint64_t segments_bytes(const struct store *store);
uint64_t segments_used_bytes(const struct store *store);

/* ---- store.c ---- */

/* Puts a frame of the store's own in line; the store takes it. */
void engine_append_own(struct store *store, struct engine_own_frame *own, size_t ops_bytes);
/* Writes what is not written. */
MQTT_NODISCARD int engine_write(struct store *store);
/* Nothing that is not confirmed is trusted any more. Returns `error`. */
int engine_fail(struct store *store, int error);
/* Looks whether too much lives. */
void engine_weigh(struct store *store);
/* No space, rather than a disk that fails. */
bool engine_is_no_space(int error);
/* Begins a segment with all that is not confirmed in it. */
MQTT_NODISCARD int engine_begin_anew(struct store *store);
/* Cuts off what recovery did not keep, or syncs what it did. */
MQTT_NODISCARD int engine_settle(struct store *store);

/* ---- housekeeping.c ---- */

/* The caller's frames took `written` bytes. When the bound is near: makes as much room. */
void housekeeping_keep_up(struct store *store, uint64_t written);
void housekeeping_fini(struct store *store);
