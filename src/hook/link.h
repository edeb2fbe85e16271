/* SPDX-License-Identifier: Apache-2.0 */
/* The broker's end of the runner: started before the process is confined, asked afterwards. Owner: one
 * thread; nothing here waits. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "hook/runner.h"

struct hook_link;

/* Runs in the child with its end; what it returns is the exit code. */
typedef int (*hook_run)(void *context, int fd);

/* Starts it, the child of a process that has no other thread. The child has no descriptors but that one; the
 * standard ones lead nowhere. Negative errno. */
MQTT_NODISCARD int hook_link_start(hook_run run, void *context, struct hook_link **out);

/* It ends by that, within HOOK_LAST_MS; it is not waited for. NULL is fine. */
void hook_link_close(struct hook_link *link);

int hook_link_fd(const struct hook_link *link); /* becomes readable when there is a report */

/* An alarm: borrowed. -EAGAIN: it has no room; -EMSGSIZE; else it is gone. */
MQTT_NODISCARD int hook_link_send(struct hook_link *link, uint32_t lane, struct mqtt_span text);

/* The next report, of a lane and an outcome that there are. -EAGAIN: none yet; else it is gone. */
MQTT_NODISCARD int hook_link_receive(struct hook_link *link, struct hook_report *out);
