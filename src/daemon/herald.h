/* SPDX-License-Identifier: Apache-2.0 */
/* Who tells operators of alarms: sees each line of the log that is one, and hands it on to one thread.
 *
 * Thread-safe but for herald_open(), herald_close(), and what says otherwise: lines come from any thread,
 * and may come while the core is at work. Bounded: of each kind limits.events_per_s, ten seconds' worth
 * at once; limits.events_queue wait. What is beyond is counted, and said with the next one of its kind. */
#pragma once

#include "base/attrs.h"
#include "core/limits.h"
#include "daemon/announcement.h"
#include "daemon/log.h"
#include "loop/loop.h"

struct herald;

/* Sees what `log`, which is borrowed, is told from now on; before the first thread that logs. NULL out
 * of memory. */
MQTT_NODISCARD struct herald *herald_open(struct log *log, const struct limits *limits);

/* Nobody logs any more. NULL is fine. */
void herald_close(struct herald *herald);

/* Other bounds. */
void herald_follow(struct herald *herald, const struct limits *limits);

/* From now on `tell` is called on the loop's thread for each, those that wait included. It borrows the
 * announcement. NULL as loop: to nobody any more; what was posted may still be delivered, and calls
 * nobody. */
typedef void (*herald_tell)(void *context, const struct announcement *announcement);
void herald_attach(struct herald *herald, struct loop *loop, herald_tell tell, void *context);
