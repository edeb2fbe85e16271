/* SPDX-License-Identifier: Apache-2.0 */
/* How short the broker is of memory, and what it does about it: stages, each with all that the ones
 * before it do. The edge knows how much is in use and sets the stage (shared_set_pressure); the
 * shards look at it where something would grow. What has been acknowledged is never given up.
 *
 * Thread-safe. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct client;
struct shared;

enum pressure {
    PRESSURE_NONE = 0,
    PRESSURE_NEWCOMERS, /* strangers are closed at accept when some wait already, and a CONNECT that
                           would make a session is refused: 0x89 */
    PRESSURE_SHED,      /* QoS 0 messages for who does not take them at once are dropped, new
                           subscriptions refused */
    PRESSURE_PAUSE,     /* who publishes is read only now and then */
    PRESSURE_REFUSE,    /* what would have to be queued or retained is refused: 0x97 */
    PRESSURE_COUNT,
};

/* A receiver with less than that in its outbox takes what it is sent. */
#define PRESSURE_OUTBOX_BYTES 16384u

/* The bound of an outbox while memory is short, unless its limit is lower. */
#define PRESSURE_SHORT_OUTBOX_BYTES 262144u

/* The stage that follows from `used` of `bound` bytes; stages are left later than they are entered,
 * so that they do not come and go. `bound` 0: none. */
enum pressure pressure_decide(enum pressure now, uint64_t used_bytes, uint64_t bound_bytes);

/* Until it is to be looked at again, were memory taken as fast as it can be. */
uint64_t pressure_next_look_ms(uint64_t used_bytes, uint64_t bound_bytes);

/* "newcomers are refused" and so on. Static. */
const char *pressure_text(enum pressure stage);

/* The edge has looked: so much is in use of so much. Returns the stage, which is in force then;
 * until the next look the shards raise it by themselves by what they take meanwhile. */
enum pressure shared_look(struct shared *shared, uint64_t used_bytes, uint64_t bound_bytes);

void shared_set_pressure(struct shared *shared, enum pressure stage);
enum pressure shared_pressure(const struct shared *shared);

/* ---- what the core asks; cheap while there is none ---- */

bool pressure_is(const struct broker *broker, enum pressure stage);

/* The bound of an outbox: limits.outbox_bytes, and little while memory is short. */
uint64_t pressure_outbox_bytes(const struct broker *broker);

/* Is a QoS 0 message for that client dropped? */
bool pressure_sheds(const struct client *client);

/* Has one of a higher QoS to be queued that would be sent otherwise? `client` may be NULL. */
bool pressure_holds_back(const struct client *client);

/* The broker may hold more now, in outboxes, messages and what it has sent to other shards: the others
 * are told, and the stage is raised by it. */
void pressure_gauge(struct broker *broker);

/* A client has published: the broker may hold more now, and the client may have to rest. */
void pressure_press(struct client *client, uint64_t now_ms);
