/* SPDX-License-Identifier: Apache-2.0 */
/* The thread that writes: what the shards have changed, to the store, and back to them how far it
 * has come.
 *
 * Frames are taken as they come: those that came while the disk was busy are written and confirmed
 * together (limits.store_batch_* and store_wait_us). When the disk fails nothing is confirmed;
 * what has been submitted waits and is written again, in order, once a try succeeds. */
#pragma once

#include "base/attrs.h"
#include "core/limits.h"
#include "core/ports.h"
#include "daemon/log.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

#define SCRIBE_BUCKETS 20u /* bucket i: less than 2^(i + 5) microseconds; the last: all others */

struct scribe;
struct shard;

struct scribe_options {
    struct store *store; /* the scribe's own from now on, until scribe_stop() has returned */
    const char *folder;  /* for messages; borrowed */
    struct log *log;
    struct shard *shards;
    unsigned count;
    struct limits limits;
};

/* No thread yet: what is submitted waits. The shards' loops outlive it. -ENOMEM. */
MQTT_NODISCARD int scribe_new(const struct scribe_options *options, struct scribe **out);
MQTT_NODISCARD int scribe_start(struct scribe *scribe);

/* Everything that was submitted is written and confirmed, or the disk does not take it: then
 * negative errno. The thread has ended; the shards' loops may still have to deliver. */
MQTT_NODISCARD int scribe_stop(struct scribe *scribe); /* NULL is fine */
void scribe_free(struct scribe *scribe);

/* Waits until everything submitted so far is confirmed. Negative errno when the disk fails. */
MQTT_NODISCARD int scribe_wait(struct scribe *scribe);

/* For the shards: core/ports.h. Thread-safe. */
struct journal_port scribe_port(struct scribe *scribe);

/* Thread-safe. `wants_written`: somebody is acknowledged before the disk has confirmed. */
void scribe_follow(struct scribe *scribe, const struct limits *limits, bool wants_written);

struct scribe_figures {
    struct store_figures store;
    enum store_state state;
    int error;                        /* behind the state; 0: none, or the bound */
    uint64_t waiting_bytes;           /* submitted and not confirmed */
    uint64_t confirmed_frames;        /* since the start */
    uint64_t latency[SCRIBE_BUCKETS]; /* of frames, from submission to confirmation */
    uint64_t latency_sum_us;
};
struct scribe_figures scribe_figures(struct scribe *scribe); /* thread-safe */
