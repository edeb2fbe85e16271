/* SPDX-License-Identifier: Apache-2.0 */
/* Threads for slow work: files, password hashes, keys in hardware. A job is done
 * on one of them and comes back to its loop as a message.
 *
 * Thread-safe. The queue is bounded: beyond it work is refused, not piled up. */
#pragma once

#include "base/attrs.h"
#include "loop/loop.h"

struct helpers;
struct helper_job;

/* `work` runs on a helper thread, `done` on the home loop's. */
typedef void (*helper_work)(struct helper_job *job);

/* In the caller's object, which belongs to the helpers from a successful submit
 * until `done` is called. */
struct helper_job {
    struct loop_message message;
    struct helper_job *next;
    struct loop *home;
    helper_work work;
    helper_work done;
};

/* `threads` of them (at least 1), at most `queue_limit` jobs waiting. */
MQTT_NODISCARD int helpers_open(unsigned threads, unsigned queue_limit, struct helpers **out);

/* Finishes what was submitted, then ends the threads: the home loops still exist
 * and are delivered (loop_deliver) afterwards. NULL is fine. */
void helpers_close(struct helpers *helpers);

/* -EAGAIN when the queue is full: the job stays the caller's. */
MQTT_NODISCARD int helpers_submit(struct helpers *helpers, struct helper_job *job,
                                  struct loop *home, helper_work work, helper_work done);
