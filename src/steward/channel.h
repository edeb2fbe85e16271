/* SPDX-License-Identifier: Apache-2.0 */
/* Whole messages over one end of a socket pair, which does not block. Owner: one thread at a time. */
#pragma once

#include "base/attrs.h"
#include "steward/message.h"

#define STEWARD_FOREVER (-1)

/* -EPIPE: the other end is gone; -ETIMEDOUT: nothing moved for `wait_ms` (STEWARD_FOREVER: as long as
 * it takes); what read() and write() say. After a failure the channel is of no use any more. */
MQTT_NODISCARD int steward_channel_send(int fd, const struct steward_message *message, int wait_ms);

/* The same, and -EBADMSG: no such message may come from there; -ENOMEM. */
MQTT_NODISCARD int steward_channel_receive(int fd, enum steward_direction direction, int wait_ms,
                                           struct steward_message *out);
