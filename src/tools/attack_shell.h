/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the operator: --change-command and the like. */
#pragma once

#include "base/attrs.h"

#define ATTACK_SHELL_TIMEOUT_S 60

/* Runs it with /bin/sh. What it prints goes to standard error. Its exit code; 128 and the signal
 * that ended it; -ETIMEDOUT when it was stopped after ATTACK_SHELL_TIMEOUT_S; another errno when it
 * could not be run. */
MQTT_NODISCARD int attack_shell_run(const char *command);
