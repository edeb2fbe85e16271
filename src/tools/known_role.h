/* SPDX-License-Identifier: Apache-2.0 */
/* The roles that tacitd knows: those of the configuration it would read. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "policy/policy.h"

struct identity_options;

/* Looks for a role in the configuration of --config, of the state folder, of the system, or in the
 * built-in one, whichever is first there; what is wrong with that file goes to standard error. 0,
 * or a negative errno with the reason in *fault: -EINVAL: nothing can be called that; -ENOENT:
 * there is none, and its neighbour is named. `out` may be NULL. */
MQTT_NODISCARD int known_role_find(const struct identity_options *options, const char *role,
                                   struct role_options *out, struct pki_fault *fault);
