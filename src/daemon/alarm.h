/* SPDX-License-Identifier: Apache-2.0 */
/* Somebody has used a canary (promise I9): the line in the log, at once, and what the registry's
 * neighbour keeps of it (pki/canary_uses.h).
 *
 * Thread-safe: shards and enrolment raise, the keeper takes. Bounded: between two looks of the
 * keeper ALARM_WAITING different uses wait; what comes beyond is in the log only, and counted. */
#pragma once

#include "base/attrs.h"
#include "daemon/log.h"
#include "net/facts.h"
#include "pki/canary_uses.h"
#include "policy/identity.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ALARM_WAITING 256u

struct alarm;

/* The first ones tell that somebody is there, the rest what they do. */
enum alarm_what {
    ALARM_NONE = 0,
    ALARM_HANDSHAKE,       /* a certificate and its key: TLS is through, CONNECT may follow */
    ALARM_TRIED,           /* a user name; whether the password is right is not known yet */
    ALARM_ENROLMENT,       /* a token, or a certificate, at the enrolment port */
    ALARM_CONNECT,         /* it is in the sink */
    ALARM_REFUSED,         /* it was not let in */
    ALARM_DECOY_SUBSCRIBE, /* a decoy topic, by somebody who is nobody's canary */
    ALARM_DECOY_PUBLISH,
    ALARM_DECOY_WILL,
    ALARM_SUBSCRIBE, /* in the sink, as what follows */
    ALARM_PUBLISH,
    ALARM_WILL,
    ALARM_LEFT,
    ALARM_WHAT_COUNT,
};

/* Borrowed until the call returns; what is not known is zero. */
struct alarm_use {
    enum alarm_what what;
    const char *canary;
    const struct connection_facts *facts;
    const char *address;          /* where there are no facts; without the port */
    const struct tls_agreed *tls; /* likewise */
    struct mqtt_span client_id;
    const struct identity *identity; /* who uses a decoy */
    struct mqtt_span topic;
    struct mqtt_span payload; /* told of by its length and its SHA-256 */
    uint8_t reason;           /* MQTT 5 */
    const char *text;
};

MQTT_NODISCARD struct alarm *alarm_new(struct log *log); /* borrowed; NULL out of memory */
void alarm_free(struct alarm *alarm);                    /* NULL is fine */

void alarm_raise(struct alarm *alarm, const struct alarm_use *use);

/* How many there were. */
uint64_t alarm_count(const struct alarm *alarm);

/* What has waited since the last call: how many, in `out` of ALARM_WAITING. */
size_t alarm_take(struct alarm *alarm, struct canary_use *out);
