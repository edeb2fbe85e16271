/* SPDX-License-Identifier: Apache-2.0 */
/* Behavioural detection on a shard: the core tells the detector (src/sense) what identities and
 * strangers do, hands on what it finds, and does something about it if it is to (sensing_respond.h).
 *
 * Owner: the shard. Whom evidence is booked to: what a connection does before it was let in, to the
 * place it came from; after that, to the identity. An identity without a device name is nobody in
 * particular, and is not watched. What is known of an identity is kept by its name, not with its
 * session, so that coming and going is part of what is seen. See docs/detection.md, ADR 0018. */
#pragma once

#include "base/siphash.h"
#include "policy/identity.h"
#include "policy/policy.h"
#include "sense/explain.h"
#include "sense/role.h"
#include "sense/source.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct broker;

#define SENSING_NAMED 8u /* members of a group that are named */

enum sensing_kind {
    SENSING_OF_DEVICE = 0,
    SENSING_OF_GROUP,  /* of devices of one role on one shard */
    SENSING_OF_SOURCE, /* of a place, or of all together */
};

/* What is found. All borrowed until the call returns; names are NUL-terminated. */
struct sensing_notice {
    enum sensing_kind kind;
    enum sense_verdict verdict;         /* not SENSE_QUIET */
    struct identity identity;           /* of a group: of the one with the most evidence */
    const struct sense_reason *reasons; /* the strongest first; of a group: those of that one */
    unsigned reason_count;              /* up to SENSE_REASONS; of a source 0 */
    float evidence;                     /* bits, log2 of the e-value */
    uint32_t surprised;                 /* devices of the role with the same verdict */
    uint32_t here;                      /* of so many that are looked at */
    const char *members[SENSING_NAMED]; /* of a group, strongest first */
    unsigned member_count;              /* that are named; there are `surprised` */
    const void *facts;                  /* of a source: the connection that was one too many, as in
                                            struct event; NULL: no single source, or a device */
    const struct sense_source_standing *source; /* of a source; else NULL */
};

/* What is done about an identity; less before more. */
enum sensing_action {
    SENSING_THROTTLE = 0, /* it is read no faster than twice of what is usual for it */
    SENSING_QUARANTINE,   /* nothing is taken from it or given to it */
    SENSING_PROTECT,      /* it is attacked: nothing is done against it */
    SENSING_LIFT,         /* the throttle is over */
};

struct sensing_response {
    enum sensing_action action;
    bool is_dry;                      /* it is only said what would have been done */
    const char *not_done;             /* static: why not; NULL: it is done */
    const struct sensing_notice *why; /* as it stands now */
    struct policy_rate messages;      /* of a throttle; count 0: no bound */
    struct policy_rate bytes;
};

/* How far what is done about an identity may go. Zero: not at all. */
enum sensing_right {
    SENSING_MAY_TELL = 0,
    SENSING_MAY_THROTTLE,
    SENSING_MAY_QUARANTINE,
};

struct sensing_port {
    void *context;
    /* What tells one place from another, of a connection's facts (ports.h); 0: it has none. Asked
     * at CONNECT and when one is refused, not per message. */
    uint64_t (*place)(void *context, const void *facts);
    /* Must not call back into the broker. */
    void (*tell)(void *context, const struct sensing_notice *notice);
    /* A role has entered a phase; its name is borrowed. May be NULL; must not call back either. */
    void (*entered)(void *context, const char *role, enum sense_phase phase);
    /* Asked once a second for whom something could be done about, or is being done. NULL: nothing
     * may be done about anybody. */
    enum sensing_right (*may)(void *context, const struct identity *identity);
    /* Something is done, or would be. For SENSING_QUARANTINE that is neither dry nor undone, the
     * callee makes all shards hold the identity, and returns what its clients are told: static text;
     * NULL: it could not. Else the result is not looked at. Must not call back. */
    const char *(*respond)(void *context, const struct sensing_response *response);
    /* A source was told of: `notice`, whose facts say which. It is to be blocked, or, where `is_dry`, that
     * is to be said; the callee may decide otherwise, and says so. True: it is blocked, and what it has
     * done is settled by that. NULL: none is. Must not call back. */
    bool (*block)(void *context, const struct sensing_notice *notice, bool is_dry);
};

enum sensing_mode {
    SENSING_OBSERVES = 0, /* what is found is told */
    SENSING_REHEARSES,    /* and what would be done */
    SENSING_RESPONDS,
};

/* How long a role stays in each phase at least; it also takes SENSING_WINDOWS_LEAST windows. */
struct sensing_phases {
    uint32_t learn_s;
    uint32_t shape_s;
    uint32_t prove_s;
};

#define SENSING_WINDOWS_LEAST 720u /* an hour of one device, twenty seconds of 180 */

struct sensing_options {
    bool is_on;
    enum sensing_mode mode;
    struct sensing_phases phases;
    struct siphash_key key; /* of names of topics and filters; counts when it is turned on, and
                               gives way to that of models that are loaded (sensing_keep.h) */
    struct sensing_port port;
};

/* From now on. Turned off, what was learned is forgotten; turned on, sessions are taken in as they
 * connect, and those that are connected at their first use after the next broker_policy_changed().
 * Copies the options. Out of memory it is off: false. */
bool sensing_set(struct broker *broker, const struct sensing_options *options, uint64_t now_ms);

/* A connection that never became a client of the core has failed in that way. */
void sensing_note_stranger(struct broker *broker, const void *facts,
                           enum sense_source_feature feature, uint64_t now_ms);
