/* SPDX-License-Identifier: Apache-2.0 */
/* The sink for those who use a canary (promise I9): a broker of its own, in which they find
 * everything that a device of that role finds, but nobody else.
 *
 * It is the same code with the same roles, so that it answers as the real one does; but it shares
 * nothing with it: no session, no client identifier, no subscription, no retained message, no other
 * shard and no disk. What it keeps is bounded by limits.canary_sessions and canary_bytes. All that
 * is done in it is told to the alarm.
 *
 * Owner: the thread of shard 0; the others have the alarm only. Zero is closed. */
#pragma once

#include "base/attrs.h"
#include "core/broker.h"
#include "core/shared.h"
#include "daemon/admission.h"
#include "daemon/alarm.h"
#include "loop/loop.h"

#include <stdbool.h>

struct decoy {
    struct alarm *alarm;   /* borrowed */
    struct log *log;       /* borrowed */
    struct broker *broker; /* NULL: not on this shard */
    struct shared *shared;
    struct loop *loop;            /* borrowed */
    struct admission_rules rules; /* as the shard's, but for who may come in */
    struct wheel_timer timer;
};

/* `alarm` and `log` are set. A broker like that which `like` makes, deciding by `rules` (copied) as
 * they are after decoy_follow(). -ENOMEM. */
MQTT_NODISCARD int decoy_open(struct decoy *decoy, const struct broker_options *like,
                              const struct admission_rules *rules);

/* Its clients are gone. */
void decoy_close(struct decoy *decoy);

/* The shard decides by these rules and limits now. Judges everybody in it again: they are few. */
void decoy_follow(struct decoy *decoy, const struct admission_rules *rules,
                  const struct limits *limits);

/* At the end of each turn. */
void decoy_end_turn(struct decoy *decoy);

/* Server shutting down. */
void decoy_drain(struct decoy *decoy);
