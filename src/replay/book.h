/* SPDX-License-Identifier: Apache-2.0 */
/* Books an event: to the identity that was accepted, or else to the source. */
#pragma once

#include "replay/replay.h"

/* The identity that the event was booked to when it pays to look at it at once, else NULL. */
struct fleet_device *book_event(struct replay *replay, const struct replay_event *event);
