/* SPDX-License-Identifier: Apache-2.0 */
/* What the core needs from outside, as small structs of function pointers that
 * the daemon or a simulation fills. All are called on the shard's own thread and
 * must not call back into the broker unless they say so. */
#pragma once

#include "base/span.h"
#include "codec/connect.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client;

/* ---- the connection under a client ---- */

struct transport_port {
    /* The client's outbox is no longer empty: drain it at the end of this turn.
     * Called once until the outbox has been emptied again. */
    void (*wake)(void *transport);
    /* The core is done with this client: send what is in its outbox, then close. The
     * transport moves client_outbox() away; the client is gone when this returns. */
    void (*close)(void *transport, struct client *client);
    /* A client that waited (client_is_waiting) goes on: give it what had arrived, then read
     * again. Called from client_judged(), clone_resume() and broker_confirm(). May be NULL when
     * nobody ever waits. */
    void (*resume)(void *transport);
};

/* ---- who may come in ---- */

enum admission {
    ADMISSION_REFUSE = 0,
    ADMISSION_ALLOW,
    ADMISSION_CONTINUE, /* enhanced authentication: send AUTH with `data`, wait for the answer */
    ADMISSION_WAIT,     /* it takes a while; client_judged() follows. Not for re-authentication */
};

struct admission_request {
    struct client *client; /* for client_judged(): lives until then or until `abandon` */
    const void *facts;     /* what the edge knows of the connection; opaque to the core */
    const struct mqtt_connect *connect; /* NULL in later steps of an enhanced authentication */
    struct mqtt_span method;            /* empty: none */
    struct mqtt_span data;
    bool is_reauthentication;
    void *exchange; /* what an earlier step left in the answer */
    uint64_t turn;  /* likewise, when it was allowed, and waited for something else since */
};

/* What a connection has proved to hold, and where it comes from: promise I5. */
struct credential {
    struct mqtt_span key;   /* tells one key from another; empty: there is none to be copied */
    struct mqtt_span place; /* of two connections from one place it is the same */
    struct mqtt_span note;  /* what EVENT_CLONE is to tell of it; opaque to the core */
    enum policy_clone rule;
};

struct admission_answer {
    uint8_t reason;               /* MQTT 5 reason code when refused */
    const char *reason_text;      /* static; NULL: the code's own text */
    struct identity identity;     /* when allowed; names borrowed until the call returns */
    const struct role *role;      /* when allowed; of the current policy; NULL: may do nothing */
    bool client_id_is_bound;      /* the client id must equal the device name or start with it */
    struct mqtt_span data;        /* authentication data to send; borrowed until the next call */
    void *exchange;               /* state of what is unfinished: CONTINUE and WAIT */
    const char *server_reference; /* with 0x9C and 0x9D; NULL: none */
    struct credential credential; /* when allowed; borrowed until the call returns */
    uint64_t turn; /* when allowed: its ratchet was turned for this connection, which is to be
                         confirmed (admission_port.confirm); 0: it was not */
    const struct event_clone *fork; /* when allowed, with a credential: what it has of its ratchet
                                       was copied, which is to be told (promise I6), and what
                                       credential.rule says is to follow; borrowed as the
                                       identity. NULL: nothing is known of that */
    const char *held; /* when allowed: static text why nothing is taken from it or given to it
                         all the same; NULL: it is not held */
};

/* What an identity may do by the policy in force. Zero: nothing. */
struct standing {
    const struct role *role; /* of the policy in force; NULL: none */
    const char *barred; /* static text: why it may not even be here; NULL: it may. Its connection
                                is ended with 0x98 and its will is not published */
    const char *held;   /* static text: why nothing is taken from it or given to it; NULL: it is
                           not held (any more) */
};

struct admission_port {
    void *context;
    enum admission (*decide)(void *context, const struct admission_request *request,
                             struct admission_answer *out);
    /* Where an identity stands now: asked once per session after each change of policy, and for
     * sessions restored from a store. NULL: nobody may do anything after the first change. */
    void (*find_standing)(void *context, const struct identity *identity, struct standing *out);
    /* What the connection's listener says of the disk; the role may say less. NULL: nothing. */
    enum policy_durability (*find_durability)(void *context, const void *facts);
    /* An unfinished exchange is given up. May be NULL when none is ever made. */
    void (*abandon)(void *context, void *exchange);
    /* The first packet behind CONNACK has come from one whose answer had a turn. May be NULL when
     * none ever has. */
    void (*confirm)(void *context, const struct identity *identity, uint64_t turn);
};

/* ---- what is worth telling ---- */

enum event_kind {
    EVENT_NONE = 0,
    EVENT_CONNECTED,
    EVENT_REFUSED,      /* CONNECT refused */
    EVENT_DISCONNECTED, /* for whatever reason; `reason` tells */
    EVENT_TAKEN_OVER,
    EVENT_SUBSCRIBE_REFUSED, /* topic: the filter */
    EVENT_PUBLISH_REFUSED,
    EVENT_PROTOCOL_ERROR,
    EVENT_MESSAGE_DROPPED, /* first of a series for a session */
    EVENT_WILL_SENT,
    EVENT_GRANT_USED,         /* a SUBSCRIBE used a scoped wildcard grant; topic: the filter */
    EVENT_SUBSCRIPTION_ENDED, /* a change of policy took it away; topic: the filter */
    EVENT_SCOPE_FULL,         /* topic is one too many for a scoped wildcard grant and not
                                 delivered; first of a series for a subscription */
    EVENT_CLONE,              /* one key, two places: `clone` tells. What has to be known of it when
                                 the admission port is asked next is to be known at once */
    EVENT_HELD,               /* a connection of an identity that is held */
    EVENT_WATCHED_PUBLISH,    /* on a topic that the watch port wants to hear of, allowed or not;
                                 topic: as in the broker, as in the next two; `payload` */
    EVENT_WATCHED_WILL,       /* likewise, at CONNECT */
    EVENT_WATCHED_SUBSCRIBE,  /* likewise; topic: the filter; `reason` as in SUBACK */
    EVENT_KIND_COUNT,
};

/* The one that came later is the event's; this is what is known of both. All borrowed. In
 * admission_answer.fork only the other one is. */
struct event_clone {
    struct mqtt_span key;
    struct mqtt_span note;            /* credential.note of the later one */
    struct mqtt_span other_client_id; /* of the one that was there */
    struct mqtt_span other_note;
    enum policy_clone done;
};

struct event {
    enum event_kind kind;
    const void *facts; /* the connection's, NULL if there is none */
    struct mqtt_span client_id;
    const struct identity *identity;  /* NULL before admission */
    uint8_t reason;                   /* MQTT 5 reason code */
    const char *text;                 /* static explanation, NULL: none */
    struct mqtt_span topic;           /* as the client sees it; empty: none */
    const struct policy_scope *scope; /* the scoped grant it is about; NULL: none */
    const struct event_clone *clone;  /* of EVENT_CLONE; else NULL */
    struct mqtt_span payload;         /* of EVENT_WATCHED_PUBLISH and EVENT_WATCHED_WILL */
    enum mqtt_version version;        /* that the client speaks, as far as it has said so */
    struct mqtt_span claimed_id;      /* of EVENT_REFUSED: the client id in the CONNECT. Nobody has
                                         proved it; as long as a CONNECT may be */
};

struct event_port {
    void *context;
    void (*report)(void *context, const struct event *event);
};

/* ---- topics that somebody wants to hear of ---- */

/* Asked when a route is built, not per message, and for each filter of a SUBSCRIBE. What is
 * answered may change with the policy only (broker_policy_changed()). Both as in the broker, a
 * filter without $share/NAME/. Functions may be NULL: nothing is watched. */
struct watch_port {
    void *context;
    bool (*has_topic)(void *context, struct mqtt_span topic);
    bool (*has_filter)(void *context, struct mqtt_span filter);
};

/* ---- what identities do, for least-privilege suggestions ---- */

/* Called when a permission is judged, not per message: on misses of the route cache, for
 * subscriptions, and for wills when they are set and when they are published; for what stands once
 * more after a change of policy and when broker_observe_again() says so. `topic` is a topic or a
 * whole filter as the client sees it. */
struct observe_port {
    void *context;
    void (*note)(void *context, const struct identity *identity, enum policy_action action,
                 struct mqtt_span topic, bool allowed);
};

/* ---- randomness: assigned client identifiers ---- */

struct random_port {
    void *context;
    void (*fill)(void *context, void *bytes, size_t len);
};

/* ---- the other shards ---- */

struct peers_port {
    void *context;
    /* Hands over a malloc'ed batch for broker_receive_batch() on that shard. Takes it. */
    void (*post)(void *context, unsigned shard, uint8_t *batch, size_t len);
};

/* A lock around what shards share. NULL functions where there is one shard. */
struct shared_lock {
    void *context;
    void (*lock)(void *context);
    void (*unlock)(void *context);
};

/* ---- the disk: core/journal_op.h ---- */

/* Zero is the worst: nothing that is written is confirmed for now. */
enum journal_state {
    JOURNAL_FAILED = 0, /* what is submitted waits; it is confirmed when the disk is well again */
    JOURNAL_FULL,       /* only what makes room is taken from clients */
    JOURNAL_OPEN,
};

struct journal_port {
    void *context;
    /* Takes a frame (malloc'ed; NULL and 0: an empty one) of a shard. Frames of one shard are
     * numbered from 1 without a gap and come to the disk in the order of the calls, over all
     * shards; broker_confirm() tells when. Number 0 is a frame of what the shards share: it comes
     * to the disk before what the same shard submits later. Never fails. */
    void (*submit)(void *context, unsigned shard, uint64_t number, uint8_t *bytes, size_t len);
    /* Out of memory: a frame could not be made, nothing is submitted by this shard any more. */
    void (*broken)(void *context, unsigned shard);
};

struct broker_ports {
    struct transport_port transport;
    struct admission_port admission;
    struct event_port events;    /* report may be NULL */
    struct observe_port observe; /* note may be NULL */
    struct watch_port watch;
    struct random_port random;
    struct peers_port peers;     /* post may be NULL where there is one shard */
    struct journal_port journal; /* submit may be NULL: nothing is kept */
};
