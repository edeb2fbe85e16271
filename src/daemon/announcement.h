/* SPDX-License-Identifier: Apache-2.0 */
/* An alarm as operators' programs are told of it: a topic below $tacit/events/ and an object of JSON, which
 * is what the audit log has of it, and `sentence`, the line of the log, for people.
 *
 * The topic is
 *
 *   $tacit/events/CLASS/NAME        canary, clone, hold, password: of that canary, device, account
 *   $tacit/events/CLASS/device/NAME sense, response, dry-run: of a device,
 *   $tacit/events/CLASS/group/ROLE  of many of a role at once,
 *   $tacit/events/CLASS/source      or of an address, which the object has
 *
 * In a name whatever is not a letter of ASCII, a digit or one of -._:@ is %XX in hex, so that it is one
 * level and no wildcard; no name is "-". Pure. Thread-safe. */
#pragma once

#include "base/attrs.h"
#include "base/list.h"
#include "base/span.h"
#include "daemon/log.h"

#include <stddef.h>
#include <stdint.h>

#define ANNOUNCEMENT_PREFIX "$tacit/events/"

/* One on its way; its owner frees it by announcement_free(). */
struct announcement {
    struct list link; /* the holder's */
    enum log_kind kind;
    size_t topic_len;
    size_t object_len;
    uint8_t bytes[]; /* the topic, and the object behind it */
};

/* Of a line of a kind that is an alarm. `left_out`: how many were not told before it; 0: none, and
 * nothing is said of it. NULL out of memory. */
MQTT_NODISCARD struct announcement *announcement_new(const struct log_line *line, int64_t utc_ms,
                                                     uint64_t left_out);
void announcement_free(struct announcement *announcement); /* NULL is fine */

struct mqtt_span announcement_topic(const struct announcement *announcement);
struct mqtt_span announcement_object(const struct announcement *announcement);
