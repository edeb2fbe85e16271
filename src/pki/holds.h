/* SPDX-License-Identifier: Apache-2.0 */
/* Which identities are held because their key was seen in two places (promise I5). A hold ends by
 * holds_end(), and by what makes the copied key useless: when the identity is revoked, retired or
 * removed, or gets another key.
 *
 * Owner: the thread of the registry. Functions return a negative errno with the reason in *fault
 * (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdint.h>

#define HOLDS_WHY_SIZE 513 /* longest reason and NUL */

struct registry_hold {
    char name[IDENTITY_URI_NAME_SIZE];
    int64_t since_s; /* UTC */
    char why[HOLDS_WHY_SIZE];
};

/* From now on; one that is held is held anew. `why` is cut to its size. */
MQTT_NODISCARD int holds_begin(struct registry *registry, const char *name, const char *why,
                               struct pki_fault *fault);

/* 1: it was held; 0: it was not. */
MQTT_NODISCARD int holds_end(struct registry *registry, const char *name, struct pki_fault *fault);

/* -ENOENT: it is not held, *fault untouched. */
MQTT_NODISCARD int holds_find(struct registry *registry, const char *name,
                              struct registry_hold *out, struct pki_fault *fault);

/* May it have a certificate for what it has shown? Whoever has the copy of its key could ask for one
 * of another key, and that ends a hold. -EPERM: it is held. */
MQTT_NODISCARD int holds_check(struct registry *registry, const char *name,
                               struct pki_fault *fault);

/* Calls `visit` for each hold in the order of names; a result other than 0 ends the list and is
 * returned. `visit` may not change the registry. */
typedef int (*holds_visit)(void *context, const struct registry_hold *hold);
MQTT_NODISCARD int holds_list(struct registry *registry, holds_visit visit, void *context,
                              struct pki_fault *fault);
