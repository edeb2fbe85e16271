/* SPDX-License-Identifier: Apache-2.0 */
/* What tacitd needs of the registry at every handshake, in memory: one hash look-up by name
 * instead of a query.
 *
 * A view is built once, then immutable and counted: the owner of the registry builds a new
 * one when registry_version() has moved and hands it to the shards, who drop the old one.
 * Thread-safe for reading; the counter is atomic. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/identity_extension.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct registry_view;

/* Borrowed from the view, strings never NULL; empty tenant and site stand for none. */
struct registry_view_entry {
    const char *name;
    const char *role;
    const char *tenant;
    const char *site;
    enum identity_kind kind;
    enum registry_status status; /* admit only REGISTRY_ACTIVE */
    uint8_t key_sha256[REGISTRY_KEY_BYTES];
    int64_t not_after_s;            /* of the newest certificate */
    enum key_protection protection; /* of its key */
    bool is_attested;               /* registry_is_attested() */
    bool is_held;                   /* holds.h */
    bool is_quarantined;            /* that is because of how it behaves */
    bool is_pardoned;               /* nothing is done about how it behaves */
    bool is_renamed;                /* it had another name */
    bool is_canary; /* canaries.h: nobody uses it, and whoever does is an intruder */
};

/* Reads the whole registry. Counted once. A row that is not valid, because
 * somebody has changed it by hand, does not keep the changes of others from counting: it is there
 * as revoked, with an empty role. */
MQTT_NODISCARD int registry_view_new(struct registry *registry, struct registry_view **out,
                                     struct pki_fault *fault);
struct registry_view *registry_view_ref(struct registry_view *view);
void registry_view_unref(struct registry_view *view); /* NULL is fine */

/* Borrowed until the view is dropped, or NULL. */
const struct registry_view_entry *registry_view_find(const struct registry_view *view,
                                                     struct mqtt_span name);

/* When the first hold or pardon of those in it is over, UTC; 0: never. */
int64_t registry_view_next_end_s(const struct registry_view *view);

size_t registry_view_count(const struct registry_view *view);

/* registry_version() as it was when the view was read. */
uint64_t registry_view_version(const struct registry_view *view);
