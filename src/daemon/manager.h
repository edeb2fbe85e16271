/* SPDX-License-Identifier: Apache-2.0 */
/* What the service manager is told, and what it asks for, by the protocol of sd_notify(3): a datagram
 * to the socket that NOTIFY_SOCKET names, by its path or, behind '@', its abstract name. Where there is
 * no manager nothing happens. By hand, as libsystemd brings six more libraries into the process.
 * Thread: any, while nobody changes the environment. */
#pragma once

#include "base/attrs.h"

#include <stdint.h>

/* Lines "NAME=VALUE", as sd_notify(3) lists them. Waits while the manager's queue is full. 0: told, or
 * there is nobody. -EINVAL: NOTIFY_SOCKET is no such name. Else what the system says: nobody can be
 * told, which is no reason to stop. */
int manager_tell(const char *lines);

/* How often at least "WATCHDOG=1" has to be told, in ms; 0: nobody waits for it. */
uint64_t manager_watchdog_ms(void);
