/* SPDX-License-Identifier: Apache-2.0 */
/* The ratchets of all devices (promise I6), for all shards: asked for by admission, answered when what
 * follows is on the disk. One thread has ratchet.db, and commits what waits together.
 *
 * Thread-safe, but for opening and closing. A turn is its shard's; the thread has it until it is
 * answered. */
#pragma once

#include "base/attrs.h"
#include "daemon/log.h"
#include "loop/loop.h"
#include "pki/ratchet_file.h"

#include <stdbool.h>

struct client;
struct ratchets;
struct ratchet_turn;

struct ratchets_options {
    const char *path;
    const char *registry_path; /* it is open there already, or can be made */
    unsigned queue;            /* most turns that wait: limits.ratchet_queue */
    struct log *log;
};

/* The files are opened, or made, and there is no thread yet: a process that is going to be confined
 * opens it before. Negative errno with the reason in *fault. */
MQTT_NODISCARD int ratchets_open(const struct ratchets_options *options, struct ratchets **out,
                                 struct pki_fault *fault);

/* From now on there are answers; before that, too many wait. NULL is fine. -ENOMEM, -EAGAIN. */
MQTT_NODISCARD int ratchets_start(struct ratchets *ratchets);

/* Answers what waits, then ends the thread. The home loops still exist and are delivered
 * afterwards; then ratchets_free(). NULL is fine. */
void ratchets_stop(struct ratchets *ratchets);
void ratchets_free(struct ratchets *ratchets);

/* Has a ratchet of that name been seen? One that was reset since may count still. Of one that was
 * renamed (registry_view_entry.is_renamed) it may be under another name: ratchets_ask() finds it. */
bool ratchets_know(struct ratchets *ratchets, const char *name);

/* A device has connected. Texts of `who` as in ratchet_file.h, its record is not looked at. */
struct ratchets_question {
    struct ratchet_file_entry who;
    struct ratchet_message message;
    uint8_t binding[RATCHET_KEY_BYTES];
    uint64_t order;   /* of the connection: ratchet_arrival */
    bool has_message; /* false: it came without; is there one of its name, or of one before? */
    bool believes;    /* whatever it says; else the first that comes, and who was given another key
                         by somebody in charge (key_lineage.h): the key that the registry has when
                         the answer is committed, no other */
};

struct ratchets_answer {
    enum ratchet_verdict verdict;
    bool is_outdated;                /* verdict RATCHET_FAILED: its key is not its key any more */
    bool is_free;                    /* it came without, and there is none that is its own */
    struct ratchet_file_entry other; /* whoever took the last step, where somebody else did */
};

/* client_go_on() follows on the loop of `home`, unless the turn is dropped before. -EAGAIN: too
 * many wait; -ENOMEM. */
MQTT_NODISCARD int ratchets_ask(struct ratchets *ratchets, const struct ratchets_question *question,
                                struct client *client, struct loop *home,
                                struct ratchet_turn **out);

/* NULL: there is none yet. Borrowed from the turn. */
const struct ratchets_answer *ratchets_answer(const struct ratchet_turn *turn);

/* Nobody wants the answer, or it has been read. */
void ratchets_drop(struct ratchet_turn *turn);

/* Its device has stored what it was given on the connection of that order. What cannot be written
 * down is as if the packet had not come. */
void ratchets_confirm(struct ratchets *ratchets, const char *name, uint64_t order,
                      struct loop *home);
