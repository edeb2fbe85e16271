/* SPDX-License-Identifier: Apache-2.0 */
/* What a broker that keeps its word would do, kept beside the real one: which publication is owed
 * to whom, which may come, which may not.
 *
 * Nothing is certain while a packet is on its way: a subscription that was asked for and not
 * confirmed is there or not, a publication that was not acknowledged was taken or not. The model
 * keeps every state that is possible, and blames the broker only for what none of them allows. */
#pragma once

#include "crash/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_ACTORS      10u
#define MODEL_PLAIN       6u /* topics 0 to 5 */
#define MODEL_RETAINED    6u /* first of three topics that keep a message; one publisher each */
#define MODEL_SHARED      9u /* first of two that are subscribed to by groups */
#define MODEL_WILL        11u
#define MODEL_TOPICS      12u
#define MODEL_FILTER_WILD 6u /* c/# */
#define MODEL_FILTERS     13u
#define MODEL_VALUES      96u
#define MODEL_HISTORY     20u

/* Of a subscription: what it may be now. */
#define MODEL_ABSENT   1u
#define MODEL_QOS(qos) (2u << (qos))

enum claim {
    CLAIM_NONE = 0, /* it may not come */
    CLAIM_MAY,
    CLAIM_PLEDGED, /* must come as soon as it is acknowledged */
    CLAIM_MUST,
};

enum deed {
    DEED_SENT,
    DEED_SENT_AGAIN,
    DEED_ACKNOWLEDGED,
    DEED_LEFT,
    DEED_ARRIVED,
    DEED_REPEATED, /* QoS 2, by the packet identifier */
    DEED_SETTLED,
    DEED_EXCUSED, /* a session that may have ended, a subscription that may have */
};

struct event {
    uint8_t deed; /* enum deed */
    uint8_t actor;
    uint16_t life;
    uint64_t tick;
    uint32_t detail; /* packet identifier, and DUP as bit 16 */
};

struct due {
    uint8_t claim; /* enum claim */
    uint8_t qos;   /* bits 1 << QoS with which it may come */
    bool has_arrived;
    bool has_arrived_for_good; /* with QoS 2 */
    bool is_settled; /* the broker has confirmed something that came after the receiver's PUBACK */
};

enum publication_state {
    PUBLICATION_OPEN = 0,
    PUBLICATION_ACKNOWLEDGED,
    PUBLICATION_LEFT, /* its publisher does not know it any more; QoS 0 */
};

struct publication {
    uint32_t id;
    uint8_t publisher, topic, qos;
    bool retain, is_empty;
    bool is_still_open; /* those who subscribe now may get it: it may be anywhere on its way */
    uint16_t done_life; /* in which it was acknowledged or left */
    uint8_t state;      /* enum publication_state */
    uint8_t group_claim;
    uint16_t group_arrivals;
    uint16_t sends;
    uint16_t packet_id; /* its publisher's; 0: none */
    uint32_t expiry_s;  /* 0: none */
    uint32_t len;       /* of the payload */
    int64_t sent_ms;    /* the last time */
    struct due due[MODEL_ACTORS];
    struct event history[MODEL_HISTORY];
    uint32_t events;
};

/* What a client did with its session, for those who look for the cause of a failure. */
struct step {
    const char *what;
    uint64_t tick;
    uint16_t life;
    uint8_t filter; /* MODEL_FILTERS: none */
    uint8_t possible;
};

struct steps {
    struct step items[MODEL_HISTORY];
    uint32_t count;
};

enum standing {
    SESSION_NONE = 0,
    SESSION_MAYBE,
    SESSION_SURE,
};

/* What a topic may keep: from one tick to another. */
struct value {
    uint32_t id; /* 0: nothing */
    uint32_t order;
    uint64_t until; /* UINT64_MAX: still */
};

struct model {
    struct place place;
    uint64_t tick;
    struct steps steps[MODEL_ACTORS];
    struct publication **publications;
    size_t count, room;
    size_t first_open; /* all before it are not open */
    enum standing session[MODEL_ACTORS];
    uint8_t possible[MODEL_ACTORS][MODEL_FILTERS];
    /* Newest publication that arrived: receiver, publisher, topic, QoS of both. */
    uint32_t newest[MODEL_ACTORS][MODEL_ACTORS][MODEL_TOPICS][3][3];
    struct value values[3][MODEL_VALUES];
    unsigned value_count[3];
};

void model_init(struct model *model, const struct place *place);
void model_fini(struct model *model);

const char *model_topic(unsigned topic);
const char *model_filter(unsigned filter);
bool model_matches(unsigned filter, unsigned topic);

/* ---- publishers; `now_ms` is monotonic ---- */

/* `like`: publisher, topic, qos, retain, packet_id, expiry_s, is_empty, len. Owned by the model; never NULL. */
struct publication *model_publish(struct model *model, const struct publication *like,
                                  int64_t now_ms);
void model_resent(struct model *model, struct publication *publication, int64_t now_ms);
void model_acknowledged(struct model *model, struct publication *publication);
void model_left(struct model *model, struct publication *publication);
/* The broker has died: what was acknowledged a while ago has reached those who were subscribed. */
void model_crash(struct model *model);

/* ---- sessions and subscriptions ---- */

void model_subscribing(struct model *model, unsigned actor, unsigned filter, unsigned qos);
void model_unsubscribing(struct model *model, unsigned actor, unsigned filter);
void model_subscription(struct model *model, unsigned actor, unsigned filter, unsigned possible);
void model_session_may_begin(struct model *model, unsigned actor);
void model_session_may_end(struct model *model, unsigned actor);
/* CONNACK: the answer is judged, and taken as it is. */
void model_connected(struct model *model, unsigned actor, bool is_present);
/* It does not outlive its connection (Clean Session of 3.1.1), and that is gone. */
void model_session_ended(struct model *model, unsigned actor);

/* ---- receivers ---- */

/* For the record only. `what` is static. */
void model_step(struct model *model, unsigned actor, const char *what);

struct arrival {
    unsigned actor;
    uint32_t id, len;
    unsigned topic, qos;
    bool is_duplicate, is_retained;
    uint16_t packet_id;
};

/* NULL: it is nobody's (and has been reported). */
struct publication *model_arrived(struct model *model, const struct arrival *arrival,
                                  int64_t now_ms);
void model_repeated(struct model *model, const struct arrival *arrival);
void model_settled(struct model *model, unsigned actor, struct publication *publication);

/* A subscriber that came at tick `since` has found `id` (0: nothing) under a topic that keeps
 * messages (0 to 2). */
void model_retained(struct model *model, unsigned which, uint32_t id, uint64_t since);

/* How many of the owed ones have not arrived: of one actor, and of the groups. */
unsigned model_missing(const struct model *model, unsigned actor);
unsigned model_missing_of_groups(const struct model *model);

/* A will that is due and was not published must come to all who are certainly subscribed. */
void model_will_is_due(struct model *model, struct publication *will);
/* It may not be published from now on. */
void model_will_is_off(struct publication *will);

/* The end of a series: what has not arrived is lost. */
void model_judge(struct model *model);
