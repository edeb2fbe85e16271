/* SPDX-License-Identifier: Apache-2.0 */
/* Behavioural detection on a shard: the core tells the detector (src/sense) what identities and
 * strangers do, and hands on what it finds. It changes nothing for any client.
 *
 * Owner: the shard. Whom evidence is booked to: what a connection does before it was let in, to the
 * place it came from; after that, to the identity. An identity without a device name is nobody in
 * particular, and is not watched. What is known of an identity is kept by its name, not with its
 * session, so that coming and going is part of what is seen. See docs/detection.md, ADR 0018. */
#pragma once

#include "base/siphash.h"
#include "policy/identity.h"
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

struct sensing_port {
    void *context;
    /* What tells one place from another, of a connection's facts (ports.h); 0: it has none. Asked
     * at CONNECT and when one is refused, not per message. */
    uint64_t (*place)(void *context, const void *facts);
    /* Must not call back into the broker. */
    void (*tell)(void *context, const struct sensing_notice *notice);
    /* A role has entered a phase; its name is borrowed. May be NULL; must not call back either. */
    void (*entered)(void *context, const char *role, enum sense_phase phase);
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
