/* SPDX-License-Identifier: Apache-2.0 */
/* One shard of the broker: sessions, subscriptions, routing. No I/O, no clock, no
 * locks: bytes come in through client_receive(), time through now_ms, and what the
 * broker needs comes through core/ports.h.
 *
 * Owner: the shard's thread. now_ms is monotonic and never decreases; wall_ms is
 * not needed. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "core/limits.h"
#include "core/outbox.h"
#include "core/ports.h"
#include "core/stats.h"

struct broker;
struct client;
struct shared; /* core/shared.h: what all shards share */

struct broker_options {
    struct limits limits;
    struct siphash_key hash_key;
    unsigned shard;        /* this one's number */
    unsigned shard_count;  /* at least 1 */
    struct shared *shared; /* borrowed; outlives the broker */
    struct broker_ports ports;
    const char *response_prefix;   /* Response Information for those who ask; NULL: none */
    bool announce_receive_maximum; /* even when it is the standard's 65535 */
    int64_t wall_ms;               /* milliseconds since 1970 at now_ms of broker_new() */
};

/* NULL out of memory. Copies the options. */
MQTT_NODISCARD struct broker *broker_new(const struct broker_options *options, uint64_t now_ms);

/* All clients were closed or lost before. NULL is fine. */
void broker_free(struct broker *broker);

/* From the next packet on. */
void broker_set_limits(struct broker *broker, const struct limits *limits);

/* ---- a changed policy: promise W4 ---- */

/* What admission_port.find_standing answers has changed. From now on nothing that it forbids is
 * published, granted, delivered, replayed or sent from a queue, and no role of the policy before
 * is looked at any more. Costs the same whatever the number of sessions: each of them, and each
 * route, is brought up to date when it is next used. */
void broker_policy_changed(struct broker *broker, uint64_t now_ms);

/* Goes on with the walk that makes room: ends subscriptions and drops queued messages that are no
 * longer granted, ends connections that are barred and freezes their sessions. Looks at up to `most` of them (256 cost some
 * 0.1 ms). True: there is more; call again, other work in between. A connection that was cut off
 * from something and does not read what was on its way to it is closed a second later. */
MQTT_NODISCARD bool broker_policy_step(struct broker *broker, unsigned most, uint64_t now_ms);

/* Permissions in caches are judged and noted (observe_port) once more at their next use;
 * subscriptions and wills that stand are noted by broker_policy_step(), which is to be called as
 * after a change of policy. */
void broker_observe_again(struct broker *broker);

/* ---- time ---- */

void broker_advance(struct broker *broker, uint64_t now_ms);
uint64_t broker_next_ms(const struct broker *broker); /* WHEEL_NEVER: nothing to wait for */

/* ---- connections ---- */

/* A new connection, its CONNECT still to come: deadline limits.connect_timeout_ms
 * from `accepted_ms`. `transport` is handed to the transport port, `facts` to
 * admission and events; both borrowed as long as the client lives. NULL out of
 * memory or at limits.connections. */
MQTT_NODISCARD struct client *client_open(struct broker *broker, void *transport, const void *facts,
                                          uint64_t accepted_ms, uint64_t now_ms);

/* The shard that a CONNECT belongs to, asked before client_open(): the connection
 * moves there once, and for good.
 *  >= 0: the shard; -1: bytes do not yet hold a whole CONNECT (or anything else that
 *  has to be judged: then they are for the shard that has them). */
int broker_home_shard(const struct broker *broker, struct mqtt_span bytes);

/* Bytes have arrived. Returns how many were used; the rest, the start of an
 * unfinished packet, comes again with more behind it. *out_client_gone is set when
 * the client was closed meanwhile (transport_port.close was called); then the
 * client no longer exists. */
MQTT_HOT size_t client_receive(struct client *client, struct mqtt_span bytes, uint64_t now_ms,
                               bool *out_client_gone);

/* Is it waiting for a verdict (ADMISSION_WAIT), or for the disk to catch up? Then client_receive() uses nothing: what it left is
 * to be kept and nothing more read until transport_port.resume. */
bool client_is_waiting(const struct client *client);

/* The verdict on a client that waits; ADMISSION_CONTINUE and ADMISSION_WAIT are fine, too. Not from
 * inside another call. The client may be gone afterwards. */
void client_judged(struct client *client, enum admission admission, struct admission_answer *answer,
                   uint64_t now_ms);

/* A client that waits (ADMISSION_WAIT) may be decided upon: the admission port is asked again, with
 * the exchange that it left. As above. */
void client_go_on(struct client *client, uint64_t now_ms);

/* Memory may be short, and the end of a long packet has yet to come: is its client to wait as above?
 * Then what has come of it is to be kept, too. */
bool client_rest(struct client *client, uint64_t now_ms);

/* Is memory so short that whoever has no session is refused? */
bool broker_refuses_newcomers(const struct broker *broker);

/* Is memory so short that little is to be read at a time? */
bool broker_is_short(const struct broker *broker);

/* The whole length of the unfinished packet at the front, so that the edge may
 * reserve as much; 0 when unknown or none. Never above limits.packet_bytes. */
size_t client_wants_bytes(const struct client *client);

/* What waits to be sent. After taking from it, tell the core with client_sent(),
 * which may fill it again from the session's queue. */
struct outbox *client_outbox(struct client *client);
struct outbox_pools *broker_outbox_pools(struct broker *broker);
void client_sent(struct client *client, uint64_t now_ms);

/* Does the connection take nothing more for now? To be said each time that it has taken something
 * and is full again, and when it is not full any more. One that stays full for
 * limits.slow_reader_timeout_s is closed. */
void client_full(struct client *client, bool is_full, uint64_t now_ms);

/* The connection broke or was closed by the peer without DISCONNECT: the will's
 * case. The client no longer exists afterwards; transport_port.close is not
 * called. */
void client_lost(struct client *client, uint64_t now_ms);

/* Is it closed because its identity was barred? Then the edge does not wait long for it to take
 * the DISCONNECT. For transport_port.close. */
bool client_was_expelled(const struct client *client);

/* Has a CONNECT been accepted? */
bool client_is_connected(const struct client *client);
struct mqtt_span client_id(const struct client *client); /* borrowed; empty before CONNECT */

/* Ends a client from outside: DISCONNECT with `reason` (MQTT 5), then close. */
void client_disconnect(struct client *client, uint8_t reason, const char *text, uint64_t now_ms);

/* Server shutting down: 0x8B to everybody, then close all. */
void broker_drain(struct broker *broker, uint64_t now_ms);

/* ---- other shards ---- */

/* A batch that another shard posted. Borrows it. */
void broker_receive_batch(struct broker *broker, struct mqtt_span batch, uint64_t now_ms);

/* Posts what this turn has for other shards. Call at the end of every loop turn. */
void broker_flush_peers(struct broker *broker);

/* While memory is short, returns what earlier turns needed and this one did not: else it stays for a
 * minute. Call at the end of every loop turn. */
void broker_relieve(struct broker *broker);

/* ---- $SYS ---- */

const struct broker_stats *broker_statistics(const struct broker *broker);

/* Publishes the $SYS topics from the sum over all shards; on one shard only. */
void broker_publish_sys(struct broker *broker, const struct broker_stats *sum, const char *version,
                        uint64_t uptime_s, uint64_t now_ms);

/* One more topic, of the edge: retained, QoS 0. `topic` begins with $SYS/. */
void broker_publish_sys_text(struct broker *broker, const char *topic, const char *text,
                             uint64_t now_ms);

/* Something has happened: not retained, QoS 1, to whoever may read it. `topic` begins with $tacit/. */
void broker_publish_event(struct broker *broker, struct mqtt_span topic, struct mqtt_span payload,
                          uint64_t now_ms);

/* ---- the disk ---- */

/* How far the frames of this shard have come. */
struct journal_progress {
    uint64_t written;         /* highest number that would survive a crash of the process */
    uint64_t confirmed;       /* highest number that would survive a power cut */
    uint64_t confirmed_bytes; /* of all frames up to it, since the start */
    enum journal_state state;
};

/* Lets go what waited for these frames. */
void broker_confirm(struct broker *broker, const struct journal_progress *progress,
                    uint64_t now_ms);

/* Submits what this turn has changed. Call at the end of every loop turn, before
 * broker_flush_peers(). */
void broker_flush_journal(struct broker *broker);

/* What time it is, in milliseconds since 1970: what is kept has wall-clock times. From time to
 * time, as that clock may be set. */
void broker_set_wall(struct broker *broker, int64_t wall_ms, uint64_t now_ms);

/* Nothing of what happens from now on is kept: the process is going away, in the middle of it. */
void broker_abandon(struct broker *broker);

/* Restoring what was kept is core/journal_restore.h. */
