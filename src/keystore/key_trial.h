/* SPDX-License-Identifier: Apache-2.0 */
/* What is said about a key, tried. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/key.h"

/* Signs something and verifies it with the public half. -EIO: it does not sign, or not rightly. */
MQTT_NODISCARD int key_trial_sign(const struct key *key, struct pki_fault *fault);
