/* SPDX-License-Identifier: Apache-2.0 */
/* What was kept on disk, back into memory: before the shards run, on the main thread.
 *
 * The things come in the order of their keys, so that sessions come before what belongs to them.
 * A thing that makes no sense is left where it is, on disk, and out of memory; the caller says so.
 * What has changed by the restart (whoever was connected is not any more) is written as usual:
 * flush the journals afterwards. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "core/broker.h"

#include <stdint.h>

struct restoring;

/* One thing, as the store gives it. All borrowed. */
struct journal_thing {
    uint64_t key;
    uint64_t body_key; /* 0: it needs none */
    struct mqtt_span bytes;
    struct mqtt_span body;
};

/* `brokers` are all shards, in their order; new numbers begin above these. NULL out of memory.
 * `key` is the one that META had, or the brokers' own. */
struct restoring_options {
    struct broker *const *brokers;
    unsigned count;
    struct shared *shared;
    uint64_t highest_session; /* number ever used for a session, */
    uint64_t highest;         /* for another thing of a shard, */
    uint64_t highest_retained;
    int64_t wall_ms;
    uint64_t now_ms;
};
MQTT_NODISCARD struct restoring *restoring_begin(const struct restoring_options *options);

/* -EBADMSG: makes no sense; -EPROTO: from a newer version, or of a kind that is not known here;
 * -ENOENT: what it belongs to is not there. Then nothing was restored. -ENOMEM. */
MQTT_NODISCARD int restoring_take(struct restoring *restoring, const struct journal_thing *thing);

/* Starts expiries and delays, delivers what was on its way between shards, and frees
 * `restoring`. */
void restoring_end(struct restoring *restoring);

/* Writes META: what the store is for. */
void journal_write_meta(struct broker *broker);

/* Moves what all shards and what they share have to write into the first one's frame: it is on disk
 * whole or not at all. */
void journal_join(struct broker *const *brokers, unsigned count);

/* Writes every session that is in memory as if it was new: for state that comes from elsewhere
 * (core/persist.h). Retained messages that come from there have been written as they came. */
void journal_everything(struct broker *broker);
