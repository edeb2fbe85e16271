/* SPDX-License-Identifier: Apache-2.0 */
/* Evidence before authentication, and against strangers: booked to the address that it came from,
 * never to the identity that was claimed. So nobody can be put under suspicion by what others do in
 * their name.
 *
 * A table of fixed size. A new source takes the place of the one in its bucket that is least worth
 * keeping: no evidence first, then the longest silent. What that loses the listener's own entry
 * keeps: it counts everything, whatever the source, so that guessing from many addresses is seen.
 * The caller owns the memory; all zero is an empty table. Owner: one thread. */
#pragma once

#include "sense/rate.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#define SENSE_SOURCES       2048u
#define SENSE_SOURCE_BUCKET 8u
#define SENSE_SOURCES_BYTES (256u << 10)

enum sense_source_feature {
    SENSE_FAILURES,      /* refused CONNECTs */
    SENSE_STRANGERS,     /* identities that were never seen before */
    SENSE_RECONNECTS,    /* identities that had connected in the same window */
    SENSE_SOURCE_ERRORS, /* packets that break the protocol, before authentication */
    SENSE_HALF_OPEN,     /* handshakes or CONNECTs that did not come in time */
    SENSE_SOURCE_FEATURES,
};

struct sense_source {
    uint64_t key; /* hash of the address; 0: free */
    uint64_t start_ms;
    uint16_t counts[SENSE_SOURCE_FEATURES];
    uint16_t evidence[SENSE_SOURCE_FEATURES]; /* 1/256 bit */
    uint16_t onset[SENSE_SOURCE_FEATURES];    /* windows ago */
    uint16_t peak[SENSE_SOURCE_FEATURES];
    uint16_t quiet; /* windows without new evidence */
    bool alarmed;
};

struct sense_sources {
    struct sense_source listener; /* all sources together */
    struct sense_role_rate of_source[SENSE_SOURCE_FEATURES];
    struct sense_role_rate of_listener[SENSE_SOURCE_FEATURES];
    uint32_t windows; /* of the listener, learned from */
    bool learns;      /* else it watches */
    struct sense_source table[SENSE_SOURCES];
};

static_assert(sizeof(struct sense_sources) <= SENSE_SOURCES_BYTES, "the table fits");

struct sense_source_standing {
    float evidence;                    /* bits, to be compared to SENSE_ALARM_BITS */
    enum sense_source_feature feature; /* with the most of it */
    float bits;                        /* of that feature */
    float expected;                    /* of it in a window, at most, as a rule */
    uint32_t observed;                 /* the most in a window */
    uint32_t since_s;
};

/* The entry of an address, taking one that is in use when need be. `key` is not 0. */
struct sense_source *sense_source_at(struct sense_sources *sources, uint64_t key, uint64_t now_ms);

/* Counts for the source and the listener. */
void sense_source_count(struct sense_sources *sources, struct sense_source *source, uint64_t now_ms,
                        enum sense_source_feature feature);

/* Weighs what the source, or sources->listener, has done; closes its window when that is over. To be
 * called after sense_source_count(), and for each source once a second. */
void sense_source_look(struct sense_sources *sources, struct sense_source *source, uint64_t now_ms,
                       struct sense_source_standing *out);

/* Evidence and windows are forgotten, of that one. */
void sense_source_rest(struct sense_source *source);

/* Likewise of all. */
void sense_sources_rest(struct sense_sources *sources);

const char *sense_source_text(enum sense_source_feature feature);
const char *sense_source_key(enum sense_source_feature feature);
