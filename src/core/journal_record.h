/* SPDX-License-Identifier: Apache-2.0 */
/* What the bytes of a thing in the store mean (core/journal_op.h): one struct for each kind, how it
 * is written and how it is read. Integers are big-endian as in MQTT, a span is a u32 length and its
 * bytes.
 *
 * Every record begins with the version of its layout, a u8, now 1, and 2 of what is retained where it is
 * known by whom. Times are wall-clock
 * milliseconds since 1970. Reading borrows from the record and checks everything that the file
 * could have wrong: 0, -EBADMSG for bytes that are no such record, -EPROTO for one of a newer
 * version. Any thread. */
#pragma once

#include "base/attrs.h"
#include "base/siphash.h"
#include "base/span.h"
#include "core/journal_op.h"

#include <stdbool.h>
#include <stdint.h>

#define JOURNAL_RECORD_VERSION   1u
#define JOURNAL_RETAINED_VERSION 2u
#define JOURNAL_NEVER            INT64_MAX /* a time: it does not come */
#define JOURNAL_NOT_RUNNING      INT64_MIN /* a time: it is not running, as somebody is connected */

struct record;

/* META, number 1: what the store is for. */
struct journal_meta {
    struct siphash_key hash_key; /* decides which shard a client identifier belongs to */
};

/* SESSION; number: of the session. */
struct journal_session {
    struct mqtt_span client_id;
    struct mqtt_span device; /* the identity's names; empty: none */
    struct mqtt_span tenant;
    struct mqtt_span site;
    struct mqtt_span role;
    bool is_proved;
    bool is_relaxed;    /* its own publications are acknowledged before they are synced */
    uint32_t expiry_s;  /* UINT32_MAX: never */
    int64_t expires_ms; /* JOURNAL_NEVER, JOURNAL_NOT_RUNNING */
};

/* SUBSCRIPTION; number: its own. */
struct journal_subscription {
    uint64_t session;        /* number */
    struct mqtt_span filter; /* as the broker calls it */
    uint8_t qos;
    bool no_local;
    bool retain_as_published;
    uint8_t retain_handling;
    uint32_t identifier; /* 0: none */
};

/* BODY, and part of RETAINED and WILL. */
struct journal_message {
    uint8_t qos;
    bool retain;
    int64_t expires_ms; /* JOURNAL_NEVER */
    struct mqtt_span topic;
    struct mqtt_span forward; /* MQTT 5 properties that are forwarded unchanged */
    struct mqtt_span payload;
};

/* RETAINED. */
struct journal_retained {
    struct journal_message message;
    struct mqtt_span owner; /* allowance_owner() of who pays; empty: not known */
    struct mqtt_span role;  /* whose it was then; empty: none */
};

/* WILL; number: of the session. */
struct journal_will {
    struct journal_message message; /* does not expire: expiry_s counts from when it is published */
    int64_t due_ms;                 /* JOURNAL_NOT_RUNNING */
    uint32_t delay_s;
    bool has_expiry;
    uint32_t expiry_s;
};

/* RECEIVED; number: of the session, shifted left by 16, and the packet identifier. No bytes but
 * the version. */

/* DELIVERY; number: its own, in the order of the session's queue. Its body is the message, none
 * when it awaits PUBCOMP. */
struct journal_delivery {
    uint64_t session; /* number */
    uint8_t state;    /* enum delivery_state of core/delivery.h */
    uint8_t qos;
    bool retain;
    bool is_shared;     /* came by a shared subscription */
    uint16_t packet_id; /* 0 while queued */
    uint32_t identifier_count;
    struct mqtt_span identifiers; /* u32 each, little-endian as in memory */
};

/* PARCEL; number: its own. Its body is the message. */
struct journal_parcel {
    uint32_t shard;       /* for those whose client identifier belonged to this one */
    uint32_t shard_count; /* of so many */
    uint8_t hops;
    uint8_t qos; /* as published */
    bool retain;
    struct mqtt_span group; /* for one member of it: ShareName, NUL, filter; empty: for all */
};

void journal_meta_write(struct record *record, const struct journal_meta *meta);
void journal_session_write(struct record *record, const struct journal_session *session);
void journal_subscription_write(struct record *record,
                                const struct journal_subscription *subscription);
void journal_message_write(struct record *record, const struct journal_message *message);
void journal_retained_write(struct record *record, const struct journal_retained *retained);
void journal_will_write(struct record *record, const struct journal_will *will);
void journal_delivery_write(struct record *record, const struct journal_delivery *delivery);
void journal_parcel_write(struct record *record, const struct journal_parcel *parcel);

MQTT_NODISCARD int journal_meta_read(struct mqtt_span bytes, struct journal_meta *out);
MQTT_NODISCARD int journal_session_read(struct mqtt_span bytes, struct journal_session *out);
MQTT_NODISCARD int journal_subscription_read(struct mqtt_span bytes,
                                             struct journal_subscription *out);
MQTT_NODISCARD int journal_message_read(struct mqtt_span bytes, struct journal_message *out);
MQTT_NODISCARD int journal_retained_read(struct mqtt_span bytes, struct journal_retained *out);
MQTT_NODISCARD int journal_will_read(struct mqtt_span bytes, struct journal_will *out);
MQTT_NODISCARD int journal_delivery_read(struct mqtt_span bytes, struct journal_delivery *out);

/* Do the three agree? What was read from a disk may say anything. */
bool journal_delivery_makes_sense(uint8_t state, uint8_t qos, uint16_t packet_id);
MQTT_NODISCARD int journal_parcel_read(struct mqtt_span bytes, struct journal_parcel *out);
