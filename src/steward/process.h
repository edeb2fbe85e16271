/* SPDX-License-Identifier: Apache-2.0 */
/* The steward as a process of its own, a child of tacitd's. Thread: the first, before others. */
#pragma once

#include "base/attrs.h"
#include "steward/link.h"

/* Runs in the child with its end of the socket pair; what it returns is the exit code. */
typedef int (*steward_run)(void *context, int fd);

/* Starts it. The child has no descriptors but that one and the standard ones, and the signals that
 * this process holds back do not reach it: it ends when the other end is gone. Negative errno. */
MQTT_NODISCARD int steward_process_start(steward_run run, void *context, struct steward_link **out);
