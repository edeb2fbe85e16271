/* SPDX-License-Identifier: Apache-2.0 */
/* The store: an append-only log of frames in segments, with an index of what lives.
 *
 * What a frame holds is core/journal_op.h; the files are docs/store-format.md. A frame is there
 * whole or not at all, and frames are there in the order in which they were given: after any crash
 * or power cut the store holds exactly the first so many frames, among them all that
 * store_sync() has confirmed.
 *
 * Segments have a fixed size, are reserved before they are used and written from front to back.
 * A synced batch never shares a block of 4096 bytes with a later one, so that no torn write can
 * hurt what was confirmed. The oldest segment is given up first: what lives in it is written anew
 * at the front, synced, and only then is it used again for new frames, or removed. So a thing that
 * was dropped does not come back: the DROP is never older than the PUT it ends.
 *
 * Nothing here sleeps, waits or starts a thread; it does I/O only through `files`. Owner: one
 * thread at a time. Functions return 0 or a negative errno. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "core/journal_op.h"
#include "store/files.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_VERSION          2u /* 1 was the snapshot: store/snapshot.h */
#define STORE_BLOCK_BYTES      4096u
#define STORE_FRAME_MOST_BYTES (272u * 1024u * 1024u)
#define STORE_NAME_BYTES       64u
#define STORE_SEGMENT_LEAST    (64u * 1024u)

/* Zero is the worst: nothing that is given is safe. */
enum store_state {
    STORE_FAILED = 0, /* the disk refuses: nothing is confirmed until store_retry() succeeds */
    STORE_FULL,       /* at its bound, or the disk is full: only frames that make room, please */
    STORE_OPEN,
};

struct store_options {
    struct files files;     /* copied; what it points at outlives the store */
    uint64_t segment_bytes; /* a multiple of STORE_BLOCK_BYTES, at least STORE_SEGMENT_LEAST. A
                               frame that is longer gets a segment of its own */
    uint64_t most_bytes;    /* of all segments together; three quarters of it may be alive */
};

/* What was found wrong with the files, once per place. All borrowed until the call returns. */
struct store_damage {
    const char *segment; /* name of the file */
    uint64_t offset;     /* bytes from its start */
    uint64_t bytes;      /* how many are not understood; 0: unknown */
    const char *what;    /* static text */
};
typedef void (*store_complain)(void *context, const struct store_damage *damage);

struct store_found {
    uint64_t segments;
    uint64_t frames;
    uint64_t things;      /* alive, bodies included */
    uint64_t damages;     /* reported */
    uint64_t lost_bodies; /* things left out because the body they need is in a damaged place */
    uint64_t torn_bytes;  /* of an unconfirmed tail: cut off, as is usual after a crash */
    uint64_t highest[JOURNAL_KINDS]; /* highest number of a key ever seen in the files, by kind */
};

struct store;

/* Opens the folder, makes it if it is empty: reads every segment, cuts off a torn tail (frames
 * that were never confirmed), builds the index, and goes on in a new segment. A damaged place
 * (a frame that had been confirmed and is not whole any more, a segment that is missing) is
 * reported to `complain` by name and offset; what is in it is lost, the rest is used, and its
 * segment is kept aside as NAME.damaged-<n> when its turn comes, never overwritten.
 *
 * -EPROTO: a segment was written by a newer version; nothing was changed. -EROFS, -ENOSPC and the
 * like: nothing can be written, so it is opened all the same in state STORE_FAILED or STORE_FULL
 * with what could be read, and store_retry() may help. -EIO: a file cannot be read: it is reported
 * as damaged and left out. -EACCES, -ENOMEM and others: not opened. */
MQTT_NODISCARD int store_open(const struct store_options *options, store_complain complain,
                              void *context, struct store_found *out_found, struct store **out);

/* No sync. What is reserved in the segment that is written to, and not used, goes back to the file
 * system. NULL is fine. */
void store_close(struct store *store);

/* One thing that lives. `body` is empty for one that needs none. All borrowed. */
struct store_thing {
    uint64_t key;
    uint64_t body_key;
    struct mqtt_span bytes;
    struct mqtt_span body;
};

/* Every living thing but bodies, in the order of the keys. What `visit` returns other than 0 ends
 * it and is returned. -EIO, -EBADMSG: a record that was whole when the store was opened is not any
 * more. Before the first store_write() only. */
typedef int (*store_visit)(void *context, const struct store_thing *thing);
MQTT_NODISCARD int store_each(struct store *store, store_visit visit, void *context);

/* ---- writing ---- */

/* One frame: whole operations of core/journal_op.h, at most STORE_FRAME_MOST_BYTES. The caller
 * keeps `ops` (and this struct) unchanged until the frame is confirmed or the store closed: after a
 * failure it may have to be written a second time. */
struct store_frame {
    struct store_frame *next; /* the store's, from store_write() until it is confirmed */
    struct mqtt_span ops;
    uint64_t sequence; /* set by store_write() */
};

/* Writes a chain of frames (by `next`, in order) as one batch behind what was written before. The
 * store has the frames from now on, whatever is returned. Operations take effect in the index with
 * the write. A frame that is not a series of whole operations is a bug of the caller's.
 *
 * Not 0: it could not be written; the state says what kind of failure it is, the frames wait in
 * the store and are written by store_retry(). Further frames may be given, they wait behind. */
MQTT_NODISCARD int store_write(struct store *store, struct store_frame *frames);

/* Confirms everything written so far: it is there after a power cut. Not 0: the state is
 * STORE_FAILED and nothing that was not confirmed before is. */
MQTT_NODISCARD int store_sync(struct store *store);

/* Takes all frames that are confirmed, linked by `next`, oldest first; NULL: none. The caller has
 * them again. store_write() and store_tend() may confirm frames, too: whoever goes to a new segment
 * syncs the old one. */
struct store_frame *store_take_confirmed(struct store *store);

/* The highest sequence that is written (for those who do not wait for the disk). 0: none yet. */
uint64_t store_written_sequence(const struct store *store);

/* After a failure: begins a new segment, writes into it all that is not confirmed, and syncs it.
 * What stood unconfirmed in the old segment does not count any more. 0: the state is STORE_OPEN or
 * STORE_FULL again and the frames are confirmed. Costs a failing system call or two when nothing
 * has changed: call it once a second or so. */
MQTT_NODISCARD int store_retry(struct store *store);

/* ---- housekeeping ---- */

/* Does a slice of what is to be done beside (reserves and fills the next segment, copies what lives
 * in the oldest one, gives it up), some 256 KiB of I/O. True: there is more; call again when no
 * frames wait. What it writes counts as confirmed by its own later steps. */
bool store_tend(struct store *store);

/* Writes everything that lives anew, syncs it, and gives up all segments there were: those that are
 * damaged are kept aside. For those who repair: before the first store_write(), and the bound is
 * not looked at. Not 0: the disk refuses; nothing is lost, and it can be asked for again. */
MQTT_NODISCARD int store_compact(struct store *store);

/* From the next write on. */
void store_set_bound(struct store *store, uint64_t most_bytes);

enum store_state store_state(const struct store *store);
int store_error(const struct store *store);                /* last errno (negative) behind a state
                                                            other than STORE_OPEN; 0: the bound */
const char *store_segment_name(const struct store *store); /* that is written to; borrowed */

struct store_figures {
    uint64_t segments;
    uint64_t bytes;         /* of all segments */
    uint64_t living_bytes;  /* of records that live, with their heads */
    uint64_t living_things; /* bodies included */
    uint64_t frames;        /* written since it was opened */
    uint64_t written_bytes; /* the caller's frames and padding, since it was opened */
    uint64_t copied_bytes;  /* frames of housekeeping, since it was opened */
    uint64_t syncs;
    uint64_t damaged_segments;
};
struct store_figures store_figures(const struct store *store);
