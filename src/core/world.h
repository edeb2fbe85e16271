/* SPDX-License-Identifier: Apache-2.0 */
/* For tests only: shards, connections and time, all in the test's hand.
 *
 * A peer is one connection. What the broker sends to it is gathered in `inbox` when
 * world_run() ends a turn; what the test sends is bytes made by the codec or by
 * hand. Time moves only when the test says so. */
#pragma once

#include "codec/connect.h"
#include "codec/frame.h"
#include "codec/publish.h"
#include "core/broker.h"
#include "core/shared.h"
#include "core/world_disk.h"

#include <stdbool.h>

#define WORLD_SHARDS      8u
#define WORLD_PEERS       64u
#define WORLD_NOTED       256u
#define INBOX_BYTES       (1u << 20)
#define INBOX_FIRST_BYTES 4096u

struct world;

struct world_peer {
    struct world *world;
    struct client *client; /* NULL: closed */
    unsigned shard;
    unsigned number;
    bool is_open;
    bool takes_nothing; /* a peer that does not read */
    enum mqtt_version version;
    uint8_t *left; /* what it sent while its client waits for a verdict */
    size_t left_len;
    size_t len;    /* bytes in inbox */
    size_t parsed; /* of them, already taken by world_take */
    uint8_t *inbox;
    size_t room;     /* of inbox, which grows up to INBOX_BYTES */
    char device[32]; /* identity at admission; empty: anonymous */
    char role[32];
    char place[16]; /* where it comes from; empty: nobody looks after its device's key */
};

struct world {
    unsigned shards;
    uint64_t now_ms;
    int64_t wall_offset_ms; /* wall clock time less now_ms; looked at when brokers are made */
    struct shared *shared;
    struct policy *policy;
    struct broker *brokers[WORLD_SHARDS];
    struct world_peer peers[WORLD_PEERS];
    struct limits limits;
    struct world_disk disk;
    uint64_t confirmed_bytes[WORLD_SHARDS];
    size_t confirmed;    /* frames on the disk that the brokers were told of */
    size_t written;      /* likewise, by world_write() */
    bool disk_is_slow;   /* nothing is confirmed before world_confirm() */
    bool peers_are_slow; /* what shards send to each other does not come */
    enum journal_state disk_state;
    enum policy_durability durability; /* of the listener */
    struct world_batch *batches;       /* between shards, oldest first */
    uint64_t random;
    unsigned events[EVENT_KIND_COUNT];
    unsigned notes[2];       /* permissions observed: refused, allowed */
    char noted[WORLD_NOTED]; /* their topics, a space behind each, as far as there is room */
    const char *tenant;      /* of those who come in from now on; NULL: none */
    const char *barred;      /* a device that may not be here; after the next change of policy */
    const char *slow;        /* a device whose verdict takes until world_judge(); NULL: none */
    unsigned abandoned;      /* exchanges that were given up */
    enum policy_clone clone; /* what happens to one */
    char held[32];           /* the device that is held; empty: none. A clone sets it */
    char clone_of[64];       /* "NOTE/OTHER NOTE" of the last clone */
    const char *watched;     /* a topic and a filter that is watched; NULL: none */
    char watched_as[64];     /* "TOPIC PAYLOAD-BYTES REASON" of the last use */
    /* Enhanced authentication that the fake admission knows: method "echo" wants the
     * answer "pong" to its "ping". */
};

/* Role "all" may do everything, role "device" devices/%{device}/# without wildcards.
 * `limits` NULL: the defaults. */
void world_init(struct world *world, unsigned shards, const struct limits *limits);
void world_fini(struct world *world);

/* For world_crash.c. */
void world_open_brokers(struct world *world, unsigned shards);
void world_close_brokers(struct world *world);

/* Confirms so many more frames, at most. */
void world_confirm(struct world *world, size_t frames);

/* Confirms all that has come, followed by world_run(), which may bring more: once, or until nothing
 * is left. */
void world_confirm_run(struct world *world);
void world_confirm_all(struct world *world);

/* Tells the brokers that so many more frames, at most, are written; they are not confirmed. */
void world_write(struct world *world, size_t frames);

/* The process is killed, or the power goes: what has not come to the disk is gone, and all
 * connections; of what has come and is not confirmed, the first `spared` frames are there. It
 * starts again, with that many shards. */
void world_crash(struct world *world, size_t spared, unsigned shards);

/* It stops as it should, and starts again. */
void world_restart(struct world *world, unsigned shards);

/* Another policy (taken, sealed) from now on; then the walk, `most` at a time: how many steps. */
void world_set_policy(struct world *world, struct policy *policy);
unsigned world_settle_policy(struct world *world, unsigned most);

/* A new connection of an anonymous client with role "all", or of a device. */
struct world_peer *world_open(struct world *world, enum mqtt_version version);
struct world_peer *world_open_device(struct world *world, enum mqtt_version version,
                                     const char *device, const char *role);

/* The same from a place, with the device's key looked after. */
struct world_peer *world_open_at(struct world *world, enum mqtt_version version, const char *device,
                                 const char *place);

/* Bytes from the peer; a whole CONNECT first, as it decides the shard. */
void world_send(struct world_peer *peer, struct mqtt_span bytes);

/* The verdict on a peer of the slow device. */
void world_judge(struct world_peer *peer, enum admission admission);

/* The connection breaks. */
void world_break(struct world_peer *peer);

/* Runs shards until nothing moves any more, timers included, at the present time. */
void world_run(struct world *world);
void world_sleep(struct world *world, uint64_t ms);

/* The next packet in the inbox; false: none. */
bool world_take(struct world_peer *peer, struct mqtt_frame *out);

/* ---- shorthands, each followed by world_run() ---- */

/* Fields beside these are the standard's defaults. */
struct world_connect {
    const char *client_id;
    bool resume; /* clean start off */
    uint32_t expiry_s;
    uint16_t keep_alive_s;
    const char *will_topic;
    uint32_t will_delay_s;
    uint16_t receive_maximum; /* 0: not sent */
    uint16_t alias_maximum;
    uint32_t maximum_packet; /* bytes; 0: not sent */
};
/* Sends CONNECT. */
void world_begin(struct world_peer *peer, const struct world_connect *how);
/* Takes the CONNACK; its reason goes to *out_reason, may be NULL. True: session present. */
bool world_take_connack(struct world_peer *peer, uint8_t *out_reason);
/* Sends CONNECT and takes the CONNACK; its reason goes to *out_reason, may be NULL. True: session
 * present. */
bool world_connect(struct world_peer *peer, const struct world_connect *how, uint8_t *out_reason);
/* Somebody of MQTT 5 comes in; it has a session already exactly when it resumes one. */
struct world_peer *world_come(struct world *world, const char *client_id, bool resume,
                              uint32_t expiry_s);
/* Somebody of that version comes in, whatever is there. */
struct world_peer *world_come_as(struct world *world, enum mqtt_version version,
                                 const struct world_connect *how);
/* Eight kept sessions, on every shard some, that are subscribed, and away. */
void world_leave_subscribers(struct world *world, const char *topic, enum mqtt_qos qos,
                             uint32_t expiry_s);
/* Without a look at the answer. */
void world_send_subscribe(struct world_peer *peer, const char *filter, enum mqtt_qos qos);
void world_send_unsubscribe(struct world_peer *peer, const char *filter);
/* Returns the SUBACK's reason code. */
uint8_t world_subscribe(struct world_peer *peer, const char *filter, enum mqtt_qos qos);
void world_publish(struct world_peer *peer, const char *topic, const char *payload,
                   enum mqtt_qos qos, uint16_t packet_id, bool retain);
/* Publishes with QoS 1; the reason of its PUBACK. */
uint8_t world_publish_acked(struct world_peer *peer, const char *topic, uint16_t packet_id);
void world_ack(struct world_peer *peer, enum mqtt_packet_type type, uint16_t packet_id);
/* The reason of the acknowledgement that comes next, which is to be of that type. */
uint8_t world_take_ack(struct world_peer *peer, enum mqtt_packet_type type);
/* Has it been sent nothing that was not taken yet? */
bool world_is_silent(const struct world_peer *peer);
/* The next PUBLISH in the inbox, skipping nothing: false if the next packet is none. */
bool world_take_publish(struct world_peer *peer, struct mqtt_publish *out);
/* Takes one packet of that type; false if the next is another or none. */
bool world_expect(struct world_peer *peer, enum mqtt_packet_type type);
