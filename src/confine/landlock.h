/* SPDX-License-Identifier: Apache-2.0 */
/* The system calls of Landlock, which the C library has not, and the rights that its ABIs know:
 * Linux 5.13 has 1, 5.19 2, 6.2 3, 6.7 4, 6.10 5, 6.12 6. Thread: the first, alone. */
#pragma once

#include "base/attrs.h"
#include "confine/confine.h"

#include <stdbool.h>

#define LANDLOCK_ABI_NETWORK 4
#define LANDLOCK_ABI_SCOPES  6

/* The ABI of this kernel (at least 1); -ENOSYS: none; -EOPNOTSUPP: switched off at boot. */
MQTT_NODISCARD int landlock_abi(void);

/* Descriptor of a new set of rules that refuses all that `abi` can refuse, but for binding TCP
 * ports, which a reload does. Negative errno. */
MQTT_NODISCARD int landlock_open(int abi, bool reaches_abstract);

/* Allows access at and below the file or folder behind `fd`. Negative errno. */
MQTT_NODISCARD int landlock_allow(int rules, int abi, int fd, enum confine_access access);

/* Puts the rules in force; needs no-new-privileges. Negative errno. */
MQTT_NODISCARD int landlock_enter(int rules);
