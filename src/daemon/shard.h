/* SPDX-License-Identifier: Apache-2.0 */
/* One shard: a thread with its loop, its connections and its part of the broker.
 *
 * Owner: the shard's thread once shard_start() was called, the main thread before and
 * after shard_join(). Others reach it by the shard_post_ functions, which are
 * thread-safe. Shard 0 is run by the main thread itself (loop_run). */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "core/broker.h"
#include "core/sensing.h"
#include "core/sensing_order.h"
#include "core/shared.h"
#include "daemon/admission.h"
#include "daemon/bar.h"
#include "daemon/decoy.h"
#include "daemon/expiry.h"
#include "daemon/log.h"
#include "daemon/presence.h"
#include "daemon/ruling.h"
#include "daemon/sightings.h"
#include "loop/loop.h"
#include "net/listener.h"
#include "net/net.h"
#include "policy/sketch.h"

#include <pthread.h>
#include <stdbool.h>

#define SHARD_LISTENERS_MAX  256   /* different listener names in the life of a process */
#define SHARD_SIGHTINGS      16384 /* most devices that come and go between two rounds of upkeep */
#define SHARD_SKETCH_ENTRIES 16384 /* most that is observed between two hand-overs */

/* A shard says: "my connections are drained", or hands in its counters, what it observed (given
 * away) or whom it found to be a clone. On shard 0. */
struct shard_reports {
    void *context;
    void (*drained)(void *context);
    void (*stats)(void *context, const struct broker_stats *stats, const struct net_stats *net);
    void (*observed)(void *context, struct sketch *sketch);
    /* A device is held: to be written down. Borrowed until the call returns. */
    void (*held)(void *context, const struct registry_hold *hold);
    /* The order has been carried out, and what was learned is written. Borrowed likewise. */
    void (*ordered)(void *context, unsigned shard, const struct sensing_outcome *outcome);
};

/* The walk that ends what a new ruling does not grant any more, in slices. */
struct shard_walk {
    bool is_on;
    bool only_notes;     /* no ruling is behind it: what stands is observed again */
    uint64_t made_us;    /* of the ruling */
    uint64_t longest_us; /* slice so far */
};

/* Behavioural detection, and how what is learned gets to the disk. */
struct shard_sense {
    struct sensing_options options; /* as the broker has them */
    const char *state_dir;          /* borrowed; NULL: nothing is kept */
    struct bar *bar;                /* borrowed; which addresses are blocked; NULL: none ever is */
    struct porch *porch;            /* borrowed; knows who was let in from where */
    struct wheel_timer timer;
    struct helper_job job;
    uint8_t *bytes; /* the keeper's while it writes them; NULL: it does not */
    size_t len;
    int status;                      /* of the last time */
    struct shard_sense_order *order; /* is reported when what it changed is written; NULL: none */
    bool is_wanted;                  /* to be written once more, when this is written */
};

struct shard {
    unsigned number;
    unsigned count;
    struct shard *all; /* the array of all shards */
    struct loop *loop;
    struct net *net;
    struct broker *broker;
    struct log *log;
    struct shard_reports reports;
    struct ruling *ruling;      /* counted */
    struct helpers *keeper;     /* frees what is old; borrowed; NULL: do it here */
    struct registry *newcomers; /* a handle of this thread's own; NULL: none */
    struct presence presence;
    struct sightings *sightings; /* who came and went; NULL: nobody wants to know, or no memory */
    struct expiry expiry;
    struct admission_rules rules; /* from the ruling */
    struct decoy decoy;           /* the alarm, and on shard 0 the sink for those who raise it */
    struct shard_walk walk;
    int64_t wall_offset_ms; /* of the wall clock from the loop's, as the broker knows it */
    struct shard_sense sense;
    struct sketch *sketch; /* what was observed since it was last handed in; NULL: no memory */
    struct listener *listeners[SHARD_LISTENERS_MAX]; /* by slot */
    struct loop_hook hook;
    struct wheel_timer timer;
    pthread_t thread;
    bool has_thread;
    bool is_draining;
};

struct shard_options {
    unsigned number;
    unsigned count;
    struct shard *all;
    struct shared *shared;
    struct siphash_key hash_key;
    struct log *log;
    struct ruling *ruling;       /* a reference is taken */
    struct helpers *keeper;      /* borrowed as long as the shard has it; NULL: none */
    struct logins *logins;       /* borrowed as long as the shard lives; NULL: no passwords */
    struct ratchets *ratchets;   /* likewise; NULL: no ratchets */
    struct journal_port journal; /* zeroed: nothing is kept on disk */
    const char *registry_path;   /* NULL: none */
    const char *state_dir;       /* borrowed as long as the shard lives; NULL: none */
    const char *trust_domain;    /* borrowed as long as the shard lives */
    struct holding *holding;     /* likewise */
    struct porch *porch;         /* likewise; that of all shards */
    struct alarm *alarm;         /* likewise */
    struct bar *bar;             /* likewise; NULL: nobody is blocked */
    struct shard_reports reports;
};

/* 0 or negative errno; nothing is left open then. */
MQTT_NODISCARD int shard_open(struct shard *shard, const struct shard_options *options);

/* The thread has ended or never was. All sockets are closed. */
void shard_close(struct shard *shard);

/* Runs the loop in a thread of its own. */
MQTT_NODISCARD int shard_start(struct shard *shard);
void shard_join(struct shard *shard); /* after loop_stop(); no thread is fine */

/* After all threads have ended: closes all sockets, clients are lost; the broker stays. */
void shard_hang_up(struct shard *shard);

/* After all threads have ended: delivers what they had for each other. */
void shard_settle(struct shard *all, unsigned count);

/* ---- parts, in shard_rules.c ---- */

/* The ruling that the shard now has is the one it decides by. */
void shard_rules_apply(struct shard *shard);

/* Goes on with the walk, for a short while. True: there is more. */
bool shard_rules_walk(struct shard *shard);

/* In shard_clone.c: all shards are to hold it from now on, and the registry is to know it. False: out
 * of memory, none of that. */
MQTT_NODISCARD bool shard_hold(struct shard *shard, const struct registry_hold *hold);
void shard_note_clone(struct shard *shard, const struct event *event);

/* In shard_canary.c: who uses a canary is told of, and goes to the decoy broker; who uses a decoy
 * topic is told of: true if that is what the event is about. */
struct net_hooks shard_net_hooks(struct shard *shard);
struct watch_port shard_watch_port(struct shard *shard);
bool shard_note_watched(struct shard *shard, const struct event *event);

/* In shard_sense.c: behavioural detection as the ruling's configuration wants it; and what the net has
 * refused speaks against where it came from. */
void shard_sense_follow(struct shard *shard, uint64_t now_ms);
/* Takes up a file of what was learned, of whatever shard; before the shard runs. */
MQTT_NODISCARD int shard_sense_load(struct shard *shard, struct mqtt_span bytes);
/* From now on it is written from time to time; and for the last time, when all threads have ended. */
void shard_sense_start(struct shard *shard);
void shard_sense_end(struct shard *shard);
void shard_sense_close(struct shard *shard);
bool shard_sense_is_barred(void *context, const struct porch_place *place); /* struct net_hooks */
/* What was learned is written now. False: it cannot be, or is to be when what is being written is. */
bool shard_sense_write(struct shard *shard);
/* In shard_sense_order.c: it is written now. */
void shard_sense_written(struct shard *shard);
void shard_sense_refused(struct shard *shard, const struct connection_facts *facts,
                         enum net_refusal why);

/* In shard_wall.c: the wall clock may be set, and what is kept on disk has its times. */
void shard_follow_wall(struct shard *shard);

/* ---- from other threads; -ENOMEM: nothing was posted ---- */

/* A new ruling, which a reference is taken to: enforced from the next packet on; then the shard
 * walks over what it has, without stopping for long, and says in the log when it is through. */
MQTT_NODISCARD int shard_post_ruling(struct shard *shard, struct ruling *ruling);

/* Asks for what was observed; reports.observed follows. The shard goes on with `empty`, taken even
 * on failure. `again`: what is in its caches is noted once more. */
MQTT_NODISCARD int shard_post_observe(struct shard *shard, struct sketch *empty, bool again);

/* Listens on `fd` (taken) from now on; or, with fd -1, no longer in that slot. Copies the
 * options; their name and TLS context are borrowed as long as the shard lives. */
MQTT_NODISCARD int shard_post_listener(struct shard *shard, unsigned slot,
                                       const struct listener_options *options, int fd);

/* Says good-bye to all clients; reports.drained follows within `most_ms`. */
MQTT_NODISCARD int shard_post_drain(struct shard *shard, uint64_t most_ms);

/* An order of the operator's for what was learned, borrowed until reports.ordered, which follows. One at
 * a time. */
MQTT_NODISCARD int shard_post_sense_order(struct shard *shard, const struct sensing_order *order);

/* Asks for the counters; reports.stats follows. */
MQTT_NODISCARD int shard_post_stats(struct shard *shard);
