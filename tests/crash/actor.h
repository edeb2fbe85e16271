/* SPDX-License-Identifier: Apache-2.0 */
/* A client with a session: what it sends, what it has to remember when a connection breaks, and
 * what it tells the model. It outlives every crash of the broker. */
#pragma once

#include "base/span.h"
#include "base/testing.h"
#include "codec/packet.h"
#include "crash/broker.h"
#include "crash/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTOR_SLOTS    12u /* few, so that identifiers are soon used again */
#define ACTOR_REQUESTS 4u
#define ACTOR_GHOSTS   4u
#define ACTOR_FOREVER  3600u /* seconds; no test runs so long */

enum actor_phase {
    ACTOR_AWAY = 0,
    ACTOR_CONNECTING, /* CONNECT sent */
    ACTOR_HERE,
};

enum slot_state {
    SLOT_FREE = 0,
    SLOT_PUBLISHED,
    SLOT_RECEIVED, /* PUBREC came; PUBREL is to be sent or sent, PUBCOMP has not come */
};

/* Packet identifiers 1 to ACTOR_SLOTS are those of its own messages. */
struct slot {
    enum slot_state state;
    struct publication *publication;
    uint64_t order;
    uint64_t index; /* of the last packet about it, on this connection */
};

struct request {
    uint16_t packet_id; /* 0: free */
    uint8_t filter, possible;
};

/* An answer that has not been sent yet, or was and is not known to be kept. */
struct answer {
    enum mqtt_packet_type type;
    uint16_t packet_id;
    struct publication *publication; /* NULL: nobody's */
    uint64_t index;
};

struct answers {
    struct answer *items;
    size_t count, room;
};

struct bytes {
    uint8_t *data;
    size_t len, room;
};

struct actor {
    struct model *model;
    struct broker *broker;
    unsigned number;
    char name[32];
    enum mqtt_version version;
    /* the session, on this side */
    struct slot slots[ACTOR_SLOTS];
    uint64_t order;
    uint32_t received[65536]; /* identifier of a message that awaits PUBREL, else 0 */
    unsigned unreleased;      /* of them not 0 */
    bool wants_clean;
    uint32_t shortest_expiry_s; /* the broker may hold it to this */
    int64_t lost_us;            /* when the last connection that is known to be kept ended */
    struct publication *will;   /* that may still be published; NULL: none */
    bool has_new_will;          /* it came with this connection */
    bool was_kept;              /* when the broker died: is_kept */
    uint32_t will_delay_s;
    /* this connection */
    enum actor_phase phase;
    int fd;
    int ghosts[ACTOR_GHOSTS]; /* connections that were taken over; -1: free */
    bool is_cut;              /* the broker closed it */
    bool is_clean;            /* it asked for a clean start */
    bool is_doubtful;         /* whether its session was there was not known when it came */
    bool is_kept;             /* what came with CONNECT is on disk: will and expiry, too */
    uint32_t expiry_s;        /* asked for */
    uint16_t receive_maximum;
    unsigned patience; /* answers are sent once in so many turns */
    bool awaits_pong;
    uint64_t index; /* packets sent */
    uint16_t next_request;
    struct request requests[ACTOR_REQUESTS];
    struct answers waiting, unsettled;
    struct bytes in, out;
};

struct actor *actor_new(struct model *model, struct broker *broker, unsigned number,
                        const char *name, enum mqtt_version version);
void actor_free(struct actor *actor);

struct actor_options {
    uint32_t expiry_s;
    uint16_t receive_maximum; /* 0: none */
    unsigned patience;
    bool has_will;
    uint8_t will_qos;
    uint32_t will_delay_s;
};

/* Connects and sends CONNECT. False: there is nobody yet. Over an open connection it is a
 * take-over by a second one. */
bool actor_open(struct actor *actor, const struct actor_options *options);

/* Reads and answers what there is. */
void actor_read(struct actor *actor);
/* One turn: answers that were held back, bytes that did not fit, time that passes. */
void actor_turn(struct actor *actor, struct test_random *random);

/* These do nothing when there is no room for one more. `like` as for model_publish(). */
void actor_publish(struct actor *actor, const struct publication *like);
void actor_subscribe(struct actor *actor, unsigned filter, unsigned qos);
void actor_unsubscribe(struct actor *actor, unsigned filter);
void actor_ping(struct actor *actor);

enum actor_farewell {
    FAREWELL_NONE,    /* the socket closes */
    FAREWELL_POLITE,  /* DISCONNECT */
    FAREWELL_FOR_EVER /* DISCONNECT that ends the session, MQTT 5 */
};
void actor_leave(struct actor *actor, enum actor_farewell farewell);

/* The broker is dead: takes what it had still sent, or (`forgetful`) does not. */
void actor_crash(struct actor *actor, bool forgetful);

/* No exchange is open, of its own messages or of those that came. */
bool actor_is_idle(const struct actor *actor);

/* Nothing comes any more: every QoS 2 message must have been released to the end. */
void actor_judge(const struct actor *actor);

/* ---- between actor.c and actor_receive.c ---- */

void actor_connack(struct actor *actor, bool is_present);
void actor_answer(struct actor *actor, enum mqtt_packet_type type, uint16_t packet_id,
                  struct publication *publication);
void actor_settle(struct actor *actor, uint64_t index);
void actor_gone(struct actor *actor);
size_t actor_payload_write(uint8_t *out, uint32_t id, uint32_t len);
