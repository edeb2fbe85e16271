/* SPDX-License-Identifier: Apache-2.0 */
/* Messages on their way to one session: the queue, the in-flight window, and what
 * a subscriber's acknowledgements do to them. MQTT 5.0 sections 4.3, 4.4, 4.6, 4.9.
 *
 * Owner: the shard. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "codec/packet.h"
#include "core/identifiers.h"
#include "core/message.h"

#include <stdbool.h>
#include <stdint.h>

struct broker;
struct client;
struct session;
struct role;
struct identity;

enum delivery_state {
    DELIVERY_QUEUED = 0,
    DELIVERY_AWAITS_PUBACK,
    DELIVERY_AWAITS_PUBREC,
    DELIVERY_AWAITS_PUBCOMP, /* the message itself is let go */
};

/* One message for one session, queued or in flight. */
struct delivery {
    struct list link;
    uint64_t number;                 /* in the journal; 0: it is not kept on disk */
    struct message *message;         /* NULL once PUBREC came */
    struct identifiers *identifiers; /* NULL: none */
    uint16_t packet_id;              /* 0 while queued */
    uint8_t qos;
    uint8_t state; /* enum delivery_state */
    bool retain;
    bool shared;                /* came by a shared subscription */
    bool is_echo;               /* the session has published it itself; not known after a restart */
    bool sent;                  /* on the wire at least once: the next time is a duplicate */
    uint32_t policy_generation; /* it was judged by */
    bool unsent_here; /* in flight from an earlier connection, not yet sent again on this one */
};

/* The sending half of a session. */
struct outgoing {
    struct list queue;        /* deliveries not yet sent, in order */
    struct list inflight;     /* sent and not yet acknowledged, in the order of sending */
    struct delivery **window; /* by packet_id & window_mask; NULL: none yet */
    uint64_t queued_bytes;
    uint32_t queued_count;
    uint16_t last_packet_id;
    uint16_t inflight_count;
    uint16_t unsent_count; /* of them, those with unsent_here */
    uint16_t window_mask;  /* its places - 1: of 65,536 at most */
};

/* How one subscription wants one message. */
struct terms {
    struct identifiers *identifiers; /* borrowed */
    enum mqtt_qos qos;               /* of the delivery: lower of message and subscription */
    bool retain;
    bool shared;
};

enum delivery_result {
    DELIVERY_DONE = 0, /* on its way, or rightly not sent at all */
    DELIVERY_DROPPED,  /* QoS 0 and nowhere to put it */
    DELIVERY_REFUSED,  /* the queue is full or memory is out: nobody holds it */
    DELIVERY_NOBODY,   /* no member of the group may have it, here */
};

void outgoing_init(struct outgoing *outgoing);
void outgoing_fini(struct session *session);

/* Sends it now if the session has a client with room, else queues it. */
MQTT_HOT enum delivery_result session_deliver(struct session *session,
                                              struct publication *publication,
                                              const struct terms *terms, uint64_t now_ms);

/* Is there a client whose window has room, and nothing older that waits for it? */
bool session_has_room(const struct session *session);

/* Queues a delivery whatever the bounds, in the given state: for restored sessions.
 * Takes a reference to `message` (NULL in state AWAITS_PUBCOMP). -ENOMEM, or -EEXIST when the
 * packet id is taken. */
MQTT_NODISCARD int session_restore_delivery(struct session *session, const struct delivery *model);

/* Sends what fits the client's window: first what is in flight from an earlier
 * connection, then from the queue. */
void session_pump(struct session *session, uint64_t now_ms);

/* After a reconnect: all that is in flight is to be sent again, in order, within the
 * window of the new connection, and then the queue. [MQTT-4.4.0-1] [MQTT-4.6.0-1]
 * [MQTT-3.3.4-9] */
void session_resume(struct session *session, uint64_t now_ms);

/* Lets go of a queued delivery that may not; what came by a shared subscription goes to another
 * member of its group. */
void session_drop_queued(struct session *session, struct delivery *delivery, uint64_t now_ms);

/* Acknowledgements from the client: `known` is whether the packet id was one that
 * awaited it. */
bool session_on_puback(struct session *session, uint16_t packet_id, uint64_t now_ms);
bool session_on_pubrec(struct session *session, uint16_t packet_id, uint8_t reason,
                       uint64_t now_ms);
bool session_on_pubcomp(struct session *session, uint16_t packet_id, uint64_t now_ms);
