/* SPDX-License-Identifier: Apache-2.0 */
/* What the tables of the registry say when they are laid beside each other, for `tacit audit`. */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdint.h>

enum registry_trouble {
    REGISTRY_SHARED_KEY,   /* two names, one key: detail is the other; only by a foreign hand */
    REGISTRY_BLOCKED_KEY,  /* detail: why it is blocked */
    REGISTRY_STRAY,        /* a good certificate of nobody: detail is its serial number */
    REGISTRY_REVOKED_ONLY, /* active, with a revoked certificate: detail is the reason */
    REGISTRY_TOKEN,        /* may be enrolled by a token: detail is until when, RFC 3339 */
    REGISTRY_TROUBLE_COUNT,
};

/* Calls `visit` for each of them, by name; a result other than 0 ends the list and is returned.
 * Texts are borrowed. */
typedef int (*registry_visit_trouble)(void *context, enum registry_trouble trouble,
                                      const char *name, const char *detail);
MQTT_NODISCARD int registry_list_troubles(struct registry *registry, int64_t now_s,
                                          registry_visit_trouble visit, void *context,
                                          struct pki_fault *fault);
