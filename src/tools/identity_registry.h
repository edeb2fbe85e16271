/* SPDX-License-Identifier: Apache-2.0 */
/* The registry as the commands about identity use it: found by their options, with sentences that
 * say what to do. */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

struct identity_options;

/* The registry of the state folder. Negative errno with the reason in *fault. */
MQTT_NODISCARD int identity_registry_open(const struct identity_options *options,
                                          struct registry **out, struct pki_fault *fault);

/* Can it be the name of a device? 0 or -EINVAL. */
MQTT_NODISCARD int identity_registry_check_device(const char *name, struct pki_fault *fault);

/* Can it be the name of a role, tenant, site or group, whichever `what` says? 0 or -EINVAL. */
MQTT_NODISCARD int identity_registry_check_name(const char *what, const char *name,
                                                struct pki_fault *fault);

/* A device that has to be there. -EINVAL: nothing can be called that; -ENOENT: there is none. */
MQTT_NODISCARD int identity_registry_find(struct registry *registry, const char *name,
                                          struct registry_entry *out, struct pki_fault *fault);

/* Says what is wrong, on standard error. Returns the exit code: usage for -EINVAL, else failed. */
int identity_registry_fail(const struct identity_options *options, int error,
                           const struct pki_fault *fault);
