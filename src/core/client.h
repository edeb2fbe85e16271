/* SPDX-License-Identifier: Apache-2.0 */
/* A network connection as the protocol sees it: from its first byte to its close.
 * Private to the core; edges know it through core/broker.h.
 *
 * Owner: the shard. A client that is to be closed is doomed first and reaped when
 * the outermost call into the broker ends, so that nothing that is being walked
 * disappears. */
#pragma once

#include "base/list.h"
#include "base/timer_wheel.h"
#include "codec/packet.h"
#include "codec/status.h"
#include "core/broker.h"
#include "core/session.h"

#include <stdbool.h>
#include <stdint.h>

/* Zero is the state in which every packet is a protocol error. */
enum client_state {
    CLIENT_CLOSING = 0,
    CLIENT_AWAITS_CONNECT,
    CLIENT_AWAITS_AUTH,    /* enhanced authentication under way */
    CLIENT_AWAITS_VERDICT, /* of the admission port; no packet is looked at */
    CLIENT_ACTIVE,
    CLIENT_HELD, /* it stays, but nothing is taken from it or given to it: hold.h */
    CLIENT_STATE_COUNT,
};

struct alias_table_in;
struct alias_table_out;
struct authentication;
struct clone_watch;
struct gate;
struct pace;
struct route_hints;

/* What one has whose connection was full, who had to wait for the disk, or whose next packet confirms
 * something: few, and not at once. */
struct client_aside {
    struct client *client;
    uint64_t turn;       /* while has_turn: core/ports.h, admission_answer */
    struct list full;    /* in the broker, while its connection takes nothing: slow_reader.h */
    uint64_t full_ms;    /* since when */
    struct list blocked; /* in the journal, while is_blocked */
};

struct client {
    /* hot: touched for every message */
    struct session *session; /* NULL before CONNECT is accepted, and when it came in held */
    struct broker *broker;
    struct outbox outbox;
    enum client_state state : 8;
    enum mqtt_version version : 8;
    enum policy_durability durability : 8;
    bool awake;      /* the transport has been told of the outbox */
    bool stalled;    /* outbox above its limit: queues wait until it drains */
    bool is_blocked; /* not read until the disk has caught up */
    bool request_problem : 1;
    bool lost : 1;                /* the connection under it is gone already */
    bool is_expelled : 1;         /* its identity was barred */
    bool is_asked : 1;            /* for a sign of life: clone.h */
    bool has_turn : 1;            /* that its next packet confirms: connect_confirm() */
    bool must_drain : 1;          /* lost a right with bytes on their way; until they are gone */
    bool is_counted : 1;          /* its CONNECT, among those of its identity */
    bool may_retain : 1;          /* as CONNACK told it, or would have */
    uint8_t maximum_qos : 2;      /* likewise */
    bool close_silently : 1;      /* no DISCONNECT */
    bool discard_will : 1;        /* DISCONNECT with reason 0 came */
    uint8_t close_reason;         /* to send, when doomed */
    bool told_news;               /* of `told`, some that it has not published itself */
    uint16_t send_quota;          /* the client's Receive Maximum, bounded by ours */
    uint16_t topic_alias_maximum; /* the client's, bounded by ours */
    uint16_t told;                /* messages since client_sent(), up to the top: sensed.h */
    struct route_hints *hints;
    struct alias_table_out *aliases_out;
    struct alias_table_in *aliases_in;
    struct gate *gate;    /* output that waits for the disk; NULL: none */
    struct pace *pace;    /* how fast it is read; NULL: as fast as it sends */
    uint64_t received_ms; /* last packet */
    /* cold */
    void *transport;
    const void *facts;
    struct wheel_timer timer;   /* CONNECT deadline, then keep alive */
    struct list in_broker;      /* all clients, or the doomed ones */
    struct client_aside *aside; /* NULL: nothing of that yet */
    struct authentication *authentication;
    struct clone_watch *watch; /* NULL: its key is not looked after */
    uint32_t wants_bytes;
    uint32_t maximum_packet;   /* bytes the client takes */
    uint32_t keep_alive_ms;    /* one and a half times; 0: none */
    uint32_t connect_expiry_s; /* as asked for in CONNECT */
    const char *close_text;
};

/* Marks a client for closing. `reason` 0: without a DISCONNECT packet. The first call
 * counts. `text` is static or NULL. */
void client_doom(struct client *client, uint8_t reason, const char *text);

/* The same for one whose identity is barred: what waits to be sent to it is not. */
void client_expel(struct client *client, const char *text);

/* The same for a packet that broke a rule. */
void client_doom_for(struct client *client, enum mqtt_status status);

/* Dooms and closes at once. Nothing that may hold the client is being walked. */
void client_evict(struct client *client, uint8_t reason, const char *text, uint64_t now_ms);

/* Closes the doomed. Every public entry of the broker ends with it. */
void broker_reap(struct broker *broker, uint64_t now_ms);

/* Room for a packet of `len` bytes, the transport woken; NULL: out of memory, the client
 * is doomed. Write, then client_written(). */
MQTT_HOT uint8_t *client_reserve(struct client *client, size_t len);
MQTT_HOT void client_written(struct client *client, size_t len);

/* What it has aside, made at the first call. NULL: out of memory, the client is doomed. */
MQTT_NODISCARD struct client_aside *client_aside(struct client *client);

/* Tells the transport if there is something that may be sent. */
void client_wake(struct client *client);

/* CONNECT went well: the session is attached, the keep alive runs. */
void client_activate(struct client *client, struct session *session, uint64_t now_ms);

/* Its keep alive counts from now on, and no other deadline does. */
void client_keep_alive(struct client *client, uint64_t now_ms);

/* Tells the event port about this client: the event has its kind and what is special about it, the
 * rest is filled in. */
void client_tell(const struct client *client, struct event *event);

/* The same, of an event of which there is no more to say. */
void client_report(const struct client *client, enum event_kind kind, uint8_t reason,
                   const char *text, struct mqtt_span topic);
