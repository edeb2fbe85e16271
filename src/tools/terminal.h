/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the person at the terminal. */
#pragma once

#include "base/attrs.h"
#include "pki/passphrase.h"

/* Writes `prompt` to the controlling terminal and reads a line from it without showing it.
 * -ENOKEY: there is no terminal, or nothing was typed. The caller wipes *out. */
MQTT_NODISCARD int terminal_ask_passphrase(const char *prompt, struct passphrase *out);
