/* SPDX-License-Identifier: Apache-2.0 */
/* A broker, a device and its copy, and what is on the wire between them, one step at a time. The
 * broker's judgement is the product's; the device does what docs/ratchet.md wants of it. */
#pragma once

#include "ratchet/record.h"

enum { ORIGINAL, COPY, DEVICES };

/* How far a connection has come. */
enum stage {
    STAGE_NONE = 0,
    STAGE_SENT,   /* CONNECT is on its way */
    STAGE_TAKEN,  /* the broker's record is on its disk, CONNACK on its way */
    STAGE_GOT,    /* CONNACK is there */
    STAGE_STORED, /* the device's state is on its disk, a packet on its way */
    STAGE_DONE,   /* the broker has taken the packet, and that is on its disk */
};

struct line {
    enum stage stage;
    struct ratchet_step from; /* where the device stood when it opened it */
    struct ratchet_arrival arrival;
    bool is_after_copy;
};

struct device {
    bool exists;
    struct ratchet_step stored;
    struct line line;
    struct line stray; /* given up by the device, while its bytes are still on their way */
    bool was_let_in;   /* with a connection that it opened after the copy was made */
};

struct world {
    struct ratchet_record record;
    uint64_t run;
    uint64_t order;
    struct device devices[DEVICES];
    bool has_alarm;
};

enum verb {
    VERB_OPEN,        /* the device connects, and sends CONNECT */
    VERB_JUDGE,       /* the broker takes CONNECT and syncs */
    VERB_RECEIVE,     /* the device has CONNACK */
    VERB_STORE,       /* ... and syncs */
    VERB_CONFIRM,     /* the broker takes the packet behind it and syncs */
    VERB_LOSE,        /* the device loses power, or the connection; so do the bytes on the wire */
    VERB_STRAY,       /* likewise, but what was sent arrives later */
    VERB_STRAY_COMES, /* it does */
    VERB_CRASH,       /* the broker loses power (ORIGINAL only: there is one broker) */
    VERB_COPY,        /* of what the device has on its disk (likewise) */
    VERB_COUNT,
};

struct world world_first(void);

/* False: there is no such step now. */
bool world_step(struct world *world, enum verb verb, unsigned device);

/* From OPEN to CONFIRM, whatever was on the way before. */
void world_connect(struct world *world, unsigned device);
