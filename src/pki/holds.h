/* SPDX-License-Identifier: Apache-2.0 */
/* Which identities are held: because their key was seen in two places (promise I5), or because of how
 * they behave, for a time; and which ones must not be held for the latter, for a time. A hold ends by
 * holds_end(), at its time, and by what makes a copied key useless: when the identity is revoked,
 * retired or removed, or gets another key.
 *
 * Owner: the thread of the registry. Functions return a negative errno with the reason in *fault
 * (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

#define HOLDS_WHY_SIZE 513 /* longest reason and NUL */

/* One identity has one at a time. Zero is the strictest. */
enum hold_kind {
    HOLD_CLONE = 0, /* its key was seen in two places */
    HOLD_BEHAVIOUR, /* in quarantine */
    HOLD_PARDON,    /* not held, nor to be because of how it behaves */
    HOLD_KIND_COUNT,
};

struct registry_hold {
    char name[IDENTITY_URI_NAME_SIZE];
    enum hold_kind kind;
    int64_t since_s; /* UTC */
    int64_t until_s; /* UTC; 0: until somebody ends it */
    char why[HOLDS_WHY_SIZE];
};

const char *holds_kind_text(enum hold_kind kind); /* "clone", "behaviour", "pardon" */

/* From now on, because of a clone; one that is held is held anew. `why` is cut to its size. */
MQTT_NODISCARD int holds_begin(struct registry *registry, const char *name, const char *why,
                               struct pki_fault *fault);

/* Any kind; since_s is not looked at. What stands there already gives way to its own kind, and a
 * quarantine to a pardon; all give way to a clone. 1: it is so; 0: something stronger stands there. */
MQTT_NODISCARD int holds_put(struct registry *registry, const struct registry_hold *hold,
                             struct pki_fault *fault);

/* 1: it was held, for whatever reason; 0: it was not. */
MQTT_NODISCARD int holds_end(struct registry *registry, const char *name, struct pki_fault *fault);

/* 1: it was pardoned, and is not any more; 0: it was not. */
MQTT_NODISCARD int holds_end_pardon(struct registry *registry, const char *name,
                                    struct pki_fault *fault);

/* Takes away those whose time is over. How many there were. */
MQTT_NODISCARD int holds_expire(struct registry *registry, int64_t now_s, struct pki_fault *fault);

/* Whether it counts at that time. */
bool holds_is_current(const struct registry_hold *hold, int64_t now_s);

/* Now. -ENOENT: it is not held (it may be pardoned), *fault untouched. */
MQTT_NODISCARD int holds_find(struct registry *registry, const char *name,
                              struct registry_hold *out, struct pki_fault *fault);

/* May it have a certificate for what it has shown? Whoever has the copy of its key could ask for one
 * of another key, and that ends a hold. -EPERM: it is held. */
MQTT_NODISCARD int holds_check(struct registry *registry, const char *name,
                               struct pki_fault *fault);

/* Calls `visit` for each of any kind, also past its time, in the order of names; a result other than 0 ends the list and is
 * returned. `visit` may not change the registry. */
typedef int (*holds_visit)(void *context, const struct registry_hold *hold);
MQTT_NODISCARD int holds_list(struct registry *registry, holds_visit visit, void *context,
                              struct pki_fault *fault);
