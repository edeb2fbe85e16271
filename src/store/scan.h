/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a store's folder without changing anything: what store_open() does first, and what
 * `tacit store check`, `stat` and `dump` do, also beside a running tacitd, which goes on writing at
 * the end. Owner: one thread. */
#pragma once

#include "store/store.h"

struct scan_frame {
    const char *segment;
    uint64_t segment_number;
    uint64_t offset; /* of the frame in the file */
    uint64_t sequence;
    bool is_copy; /* written by housekeeping */
    struct mqtt_span ops;
};

struct scan_segment {
    const char *name;
    uint64_t number;
    uint64_t first_sequence;
    uint64_t bytes;      /* of the file */
    uint64_t used_bytes; /* up to the end of its last frame that counts */
    uint32_t version;
    bool is_damaged;
    bool is_spare; /* reserved for later: holds no frames */
};

/* Any may be NULL. What `frame` returns other than 0 ends the scan and is returned. */
struct scan_hooks {
    void *context;
    int (*frame)(void *context, const struct scan_frame *frame);
    void (*segment)(void *context, const struct scan_segment *segment); /* after its frames */
    store_complain damage;
};

struct scan_summary {
    uint64_t segments;
    uint64_t frames;
    uint64_t damages;
    uint64_t torn_bytes; /* unconfirmed, at the very end */
    uint64_t last_sequence;
    bool has_unread_end; /* the disk refused the end of the log: higher sequences may be there */
};

/* Every frame that counts, in their order. -EPROTO: a segment of a newer version (reported as a
 * damage with that text, too). -ENOMEM, or what the folder cannot be read for; a file that cannot
 * be read is a damage. */
MQTT_NODISCARD int store_scan(const struct files *files, const struct scan_hooks *hooks,
                              struct scan_summary *out);
