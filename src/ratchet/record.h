/* SPDX-License-Identifier: Apache-2.0 */
/* What the broker keeps of a device's ratchet, and what it makes of what a device says.
 *
 * Pure, as message.h. The caller makes the record durable before anybody hears of the verdict. */
#pragma once

#include "ratchet/message.h"

#include <stdbool.h>

/* When a connection came: of two connections of one device, the one that it opened later is later
 * here. Orders of different runs of the broker have nothing to do with each other. */
struct ratchet_arrival {
    uint64_t run;
    uint64_t order;
};

/* Zero: nothing is known of the device, and the next one that comes is believed. */
struct ratchet_record {
    bool has_base;
    bool has_next;
    struct ratchet_step base;       /* the device has it, and nothing before it any more */
    struct ratchet_step next;       /* it was given that last, and may have it already */
    struct ratchet_arrival arrival; /* of the connection that was given `next`, or `base` */
};

/* Zero is the alarm. */
enum ratchet_verdict {
    RATCHET_FORKED = 0, /* it stands at a step that was left: somebody else has gone on */
    RATCHET_AHEAD, /* likewise, but at a later step than the broker: or the broker's record is old */
    RATCHET_LATE,  /* its device has opened another connection since: no alarm, no entry */
    RATCHET_FAILED, /* HMAC failed */
    RATCHET_TAKEN,  /* the record has changed; the device goes on to record->next */
};

/* A device has connected. `believes`: whatever it says is taken, as after a reset. Only
 * RATCHET_TAKEN changes the record. */
enum ratchet_verdict ratchet_record_judge(struct ratchet_record *record,
                                          const struct ratchet_hmac *hmac,
                                          const struct ratchet_message *message,
                                          const uint8_t *binding,
                                          const struct ratchet_arrival *arrival, bool believes);

/* The first packet behind CONNACK has come on that connection: its device has stored `next`. False:
 * nothing has changed, somebody has gone on since. */
bool ratchet_record_confirm(struct ratchet_record *record, const struct ratchet_arrival *arrival);

/* Where it stands; 0: nowhere yet. */
uint64_t ratchet_record_counter(const struct ratchet_record *record);
