/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the log on their way to the audit log: a bounded queue, the limits of the kinds, and what
 * had to be left out. Owner: who holds the recorder's lock; no function here waits or allocates, but
 * for recorder_queue_init(). */
#pragma once

#include "audit/fields.h"
#include "base/attrs.h"
#include "daemon/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lines of one kind that are not in the queue. */
struct recorder_left_out {
    uint64_t count;
    int64_t since_ms; /* UTC, of the first and the last of them */
    int64_t until_ms;
};

struct recorder_queue {
    uint8_t *bytes; /* of `room`; the lines that have come */
    uint8_t *taken; /* likewise; those that are being written */
    size_t room;
    size_t len;
    size_t taken_len;
    bool is_urgent; /* one of those that have come is to be on the disk at once */
    struct log_limit limits[LOG_KIND_COUNT];
    struct recorder_left_out left_out[LOG_KIND_COUNT];
};

/* -ENOMEM. */
MQTT_NODISCARD int recorder_queue_init(struct recorder_queue *queue, size_t room);
void recorder_queue_fini(struct recorder_queue *queue);

/* Records of a usual kind in a second; at least 100. */
void recorder_queue_set_rate(struct recorder_queue *queue, uint64_t per_s);

/* False: the line has no room, or is beyond the limit of its kind, and was counted. */
bool recorder_queue_put(struct recorder_queue *queue, const struct log_line *line, int64_t utc_ms,
                        uint64_t now_s);

/* Fields of the line as its record has them, without its text, which says the same in words. */
void recorder_queue_gather(const struct log_line *line, struct audit_fields *out);

bool recorder_queue_is_empty(const struct recorder_queue *queue);

/* What has come goes to `taken`, which is empty. */
void recorder_queue_take(struct recorder_queue *queue);

/* What was left out since the last time is added to `all` of LOG_KIND_COUNT. */
void recorder_queue_take_left_out(struct recorder_queue *queue, struct recorder_left_out *all);
bool recorder_left_out_has_any(const struct recorder_left_out *all); /* of LOG_KIND_COUNT */

/* One of those that were taken. */
struct recorder_entry {
    enum log_kind kind;
    int64_t utc_ms;
    struct mqtt_span fields;
};

/* The one at *at, which moves on. False: there is none any more. No lock is needed for `taken`. */
bool recorder_queue_next(const struct recorder_queue *queue, size_t *at,
                         struct recorder_entry *out);
