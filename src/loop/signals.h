/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as events of a loop.
 *
 * Owner: the loop's thread. Open before any other thread is made: the signals are
 * blocked in the calling thread, and threads inherit that. */
#pragma once

#include "base/attrs.h"
#include "loop/loop.h"

#include <stddef.h>

struct signals;

typedef void (*signals_callback)(void *context, int signal);

/* Takes over the `count` signals, for example SIGTERM, SIGINT, SIGHUP. Negative
 * errno on failure, nothing changed then. */
MQTT_NODISCARD int signals_open(struct loop *loop, const int *numbers, size_t count,
                                signals_callback on_signal, void *context, struct signals **out);

/* Stops listening and unblocks them. NULL is fine. */
void signals_close(struct signals *signals);
