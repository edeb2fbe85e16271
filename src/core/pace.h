/* SPDX-License-Identifier: Apache-2.0 */
/* How fast a client is read: the bounds of messages and bytes of its identity, and of all that have
 * its role, and pauses.
 *
 * A client that has used up its bounds is not read until there may be more (back-pressure): nothing
 * is lost, and TCP makes it wait. Its keep alive does not count meanwhile. Owner: the shard. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "base/timer_wheel.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct allowance;
struct broker;
struct client;

/* Of a client that has bounds or had a pause. From a pool. */
struct pace {
    struct wheel_timer timer; /* ends the pause */
    struct list resting;      /* in the broker: the pause is over, its transport is to be told */
    struct client *client;
    struct policy_rate messages;
    struct policy_rate bytes;
    struct policy_together all;  /* of its role */
    struct allowance *allowance; /* of its role, counted; NULL: that has no bounds of its own */
    bool is_paused;
};

/* The bounds that count for its session's role now. Out of memory dooms it. */
void pace_follow(struct client *client, const struct role *role);

/* A PUBLISH of so many bytes came. Call for clients with a pace. */
void pace_charge(struct client *client, size_t bytes, uint64_t now_ms);

/* May it subscribe to one more filter, as far as its role has a bound for all? Takes it. */
MQTT_NODISCARD bool pace_subscribe(struct client *client, uint64_t now_ms);

/* It is not read for `ms`, longer if it is paused for longer already. Out of memory it is read. */
void pace_pause(struct client *client, uint64_t ms, uint64_t now_ms);

/* It has to show that it is alive: its pause ends at once, and there is none meanwhile. */
void pace_hasten(struct client *client, uint64_t now_ms);

bool pace_is_paused(const struct client *client);

/* The client goes away. */
void pace_end(struct client *client);

/* Reads those again whose pause is over. They may be gone afterwards. */
void pace_resume(struct broker *broker);
