/* SPDX-License-Identifier: Apache-2.0 */
/* A session: what the broker remembers of a client identifier, connected or not.
 * MQTT 5.0 section 4.1.
 *
 * Owner: the shard that the client identifier hashes to, for life. It belongs to
 * the identity that made it: no other identity can resume, end or take it over. */
#pragma once

#include "base/bytes_map.h"
#include "base/list.h"
#include "base/timer_wheel.h"
#include "core/delivery.h"
#include "core/packet_ids.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stdint.h>

#define SESSION_NEVER_EXPIRES  UINT32_MAX
#define SESSION_ASSIGNED_BYTES 32 /* of a client identifier that the broker makes */

struct allowance;
struct broker;
struct client;
struct message;
struct sensed;

/* The message published on a client's behalf when it is lost. MQTT 5.0 section 3.1.2.5. */
struct will {
    struct session *session;  /* whose it is */
    struct wheel_timer timer; /* armed while the delay runs */
    struct message *message;  /* its expiry starts when it is published */
    uint32_t delay_s;
    uint32_t expiry_s;
    bool has_expiry;
};

struct session {
    struct bytes_node by_client_id;
    struct broker *broker;
    struct client *client;       /* NULL while nobody is connected */
    struct identity *identity;   /* owned, or the broker's anonymous one */
    struct allowance *allowance; /* counted; the identity's */
    struct list in_broker;
    const struct role *role;   /* by the policy of policy_generation: see standing.h; NULL: none */
    struct rates *rates;       /* of its grants with a rate; NULL: none used yet */
    struct sensed *sensed;     /* counted while it has a client; NULL: nobody watches it */
    struct list subscriptions; /* struct subscription.in_session */
    struct outgoing outgoing;
    struct packet_ids received; /* QoS 2 taken over, PUBREL still to come */
    struct list waits;          /* struct publish_wait.in_session; not made before it is needed */
    struct will *will;          /* owned; NULL: none */
    struct wheel_timer expiry;  /* armed while nobody is connected */
    uint32_t expiry_s;          /* SESSION_NEVER_EXPIRES; 0: ends with the connection */
    uint32_t subscription_count;
    uint64_t number;      /* in the journal; 0: it is not kept on disk */
    uint32_t route_stamp; /* scratch of route building: place in the list being made */
    uint32_t route_index;
    uint32_t policy_generation;
    uint8_t space_len;   /* of its topic space, whose text stands behind the client id */
    bool is_cut_off : 1; /* frozen: barred, or in a space that is no longer its own (standing.h) */
    bool is_relaxed : 1; /* level of its last connection: POLICY_RELAXED */
    bool drop_reported : 1; /* EVENT_MESSAGE_DROPPED was reported for this series */
    bool answers : 1;       /* publications are being answered, in their order */
    uint8_t client_id[];    /* from the next byte on: there is one for each that ever came */
};

/* Borrowed, or NULL. */
struct session *session_find(const struct broker *broker, struct mqtt_span client_id);

/* A client identifier that nobody has and that is at home on this shard, in `memory`. */
struct mqtt_span session_assign_id(struct broker *broker,
                                   uint8_t memory[static SESSION_ASSIGNED_BYTES]);

/* A new session without a client, copying the client id and the identity. NULL out
 * of memory or at limits.sessions. */
MQTT_NODISCARD struct session *session_new(struct broker *broker, struct mqtt_span client_id,
                                           const struct identity *identity,
                                           const struct role *role);

/* Ends it: publishes a pending will, lets go of everything. No client is attached. */
void session_end(struct session *session, uint64_t now_ms);

/* Forgets it without publishing anything: the broker is going away. */
void session_discard(struct session *session);

/* The connection is gone: publishes the will or starts its delay, ends the session
 * or starts its expiry. */
void session_detach(struct session *session, uint64_t now_ms);

/* Arms the expiry timer for `left_ms` from now; for restored sessions. */
void session_expire_in(struct session *session, uint64_t left_ms, uint64_t now_ms);

/* Tells once per series that it loses messages. */
void session_report_drop(struct session *session, struct mqtt_span topic);

struct mqtt_span session_client_id(const struct session *session);

/* ---- will ---- */

/* Sets the will from a CONNECT (replacing none). -ENOMEM. */
struct mqtt_will;
MQTT_NODISCARD int will_set(struct session *session, const struct mqtt_will *from);
void will_clear(struct session *session);
/* Publishes and clears it, if there is one. */
void will_publish(struct session *session, uint64_t now_ms);
/* Starts the delay, if there is a will. */
void will_delay(struct session *session, uint64_t delay_ms, uint64_t now_ms);
