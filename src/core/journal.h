/* SPDX-License-Identifier: Apache-2.0 */
/* What of the broker's state is kept on disk, and who waits for it. Private to the core.
 *
 * Whatever changes something that is kept writes it into the frame that is being made, in the
 * same call. At the end of the turn the frame goes out by journal_port.submit(), whole: after a
 * crash all of a turn is there or nothing. What tells somebody outside of such a change (PUBACK,
 * SUBACK, a QoS 2 PUBLISH, ...) is held in the outbox until the frame is confirmed: journal_hold().
 *
 * Kept are sessions that outlive their connection (unless their role or listener says "memory"),
 * with their subscriptions, will, deliveries and the packet identifiers of QoS 2 messages they
 * sent, and retained messages. session.number is 0 for one that is not kept. Owner: the shard. */
#pragma once

#include "base/list.h"
#include "core/broker.h"
#include "core/journal_op.h"
#include "core/record.h"

#include <stdbool.h>
#include <stdint.h>

struct delivery;
struct message;
struct publication;
struct session;
struct shared;
struct subscription;

/* A shard's numbers are its own: its number is in their lower bits. */
#define JOURNAL_SHARD_BITS 6u

/* Where the journal stands: has it moved since? */
struct journal_mark {
    uint64_t number;
    size_t len;
    uint64_t shared_moves;
};

struct journal {
    bool is_on;
    bool is_awaited;       /* somebody waits for the frame being made, even if it stays empty */
    bool touches_shared;   /* retained messages have changed: theirs goes out before this one */
    uint64_t shared_moves; /* how often that has happened */
    struct record frame;   /* being made */
    uint64_t number;       /* of it; from 1 */
    uint64_t written;      /* highest frame that would survive a crash of the process */
    uint64_t confirmed;    /* highest frame that would survive a power cut */
    uint64_t submitted_bytes;
    uint64_t confirmed_bytes;
    uint64_t serial;         /* last used for things, without the shard */
    uint64_t session_serial; /* last used for sessions */
    int64_t wall_offset_ms;  /* wall-clock time less now_ms */
    enum journal_state state;
    struct journal_mark entered; /* when the packet that is being handled came */
    struct list gated;           /* struct gate.link: clients with output that waits */
    struct list blocked; /* struct client_aside.blocked: not read until the disk has caught up */
};

void journal_init(struct broker *broker, uint64_t now_ms);

/* Nothing is kept from now on: the broker is going away. */
void journal_fini(struct broker *broker);

struct journal_mark journal_mark(const struct broker *broker);
/* What the shards share has changed. */
void journal_touch_shared(struct broker *broker);

bool journal_has_moved(const struct broker *broker, const struct journal_mark *since);

/* What is encoded for this client from now on is sent when everything written so far is
 * confirmed (for a relaxed client: written). Nothing is held when all is, or for level memory. */
void journal_hold(struct client *client);

/* May the store take something more? */
static inline bool journal_has_room(const struct journal *journal)
{
    return journal->state != JOURNAL_FULL;
}

/* A client that has made the store fall behind is not read until it has caught up. */
void journal_press(struct client *client);

int64_t journal_wall_ms(const struct broker *broker, uint64_t then_ms);

/* ---- things; each does nothing where nothing is kept ---- */

/* Keeps it, and all that belongs to it if it was not kept before; or its present terms. */
void journal_session(struct session *session);
/* Forgets it and all that belongs to it; it stays in memory. */
void journal_forget_session(struct session *session);

void journal_subscription(struct subscription *subscription);
void journal_forget_subscription(struct subscription *subscription);

void journal_will(const struct session *session);
void journal_forget_will(const struct session *session);

void journal_received(const struct session *session, uint16_t packet_id);
void journal_forget_received(const struct session *session, uint16_t packet_id);

/* In its present state; its message with it, once. */
void journal_delivery(struct session *session, struct delivery *delivery);
/* It no longer needs its message, which is about to be let go. */
void journal_release_message(struct delivery *delivery);
void journal_forget_delivery(struct broker *broker, struct delivery *delivery);

/* Its message is kept for a parcel: returns its key. A message that nothing but parcels needs is
 * not known any more after journal_settle_message(), so that nobody relies on it later. */
uint64_t journal_message(struct broker *broker, struct message *message);
void journal_settle_message(struct message *message); /* NULL is fine */

/* A publication on its way to another shard. Returns its number. */
struct journal_parcel;
uint64_t journal_parcel(struct broker *broker, const struct journal_parcel *parcel,
                        uint64_t message_key);
void journal_forget_parcel(struct broker *broker, uint64_t number);

/* ---- operations of any frame ---- */

/* The bytes of the thing come between the two. */
size_t journal_begin_put(struct record *frame, uint64_t key, uint64_t body);
void journal_end_put(struct record *frame, size_t begin);
void journal_put_drop(struct record *frame, uint64_t key);

/* ---- frames of what all shards share: written under its lock ---- */

struct journal_shared {
    bool is_on;
    struct record frame;
    uint64_t serial;
    int64_t wall_offset_ms;
};
