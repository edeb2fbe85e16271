/* SPDX-License-Identifier: Apache-2.0 */
/* Where a new password comes from: typed twice at a terminal, a line of standard input or of a
 * file, or made up. Never an argument, which everybody could read. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/password.h"

#include <stddef.h>

struct identity_options;

/* One byte longer than it may be, so that a longer one shows. */
#define PASSWD_INPUT_SIZE (PASSWORD_BYTES_MAX + 2)

/* The caller wipes `out`. -EINVAL with the reason: nothing usable was given. */
MQTT_NODISCARD int passwd_input_read(const struct identity_options *options,
                                     char out[PASSWD_INPUT_SIZE], struct pki_fault *fault);
