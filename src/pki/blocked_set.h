/* SPDX-License-Identifier: Apache-2.0 */
/* All blocked keys in memory, for the handshake: the registry's list and those of the folder
 * (blocked_folder.h), 16 bytes for a key and 10 for a modulus.
 *
 * Built once, then immutable and counted, like registry_view.h. Thread-safe for reading; the
 * counter is atomic. */
#pragma once

#include "base/attrs.h"
#include "pki/blocked_folder.h"
#include "pki/fault.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct blocked_set;

/* Reads everything. Counted once. `doubts` may be NULL. */
MQTT_NODISCARD int blocked_set_new(struct registry *registry,
                                   const struct blocked_folder_doubts *doubts,
                                   struct blocked_set **out, struct pki_fault *fault);
struct blocked_set *blocked_set_ref(struct blocked_set *set);
void blocked_set_unref(struct blocked_set *set); /* NULL is fine */

/* Is it there? Of a hash the first 128 bits are compared. NULL is an empty set. */
bool blocked_set_find(const struct blocked_set *set, const uint8_t *key_sha256);
bool blocked_set_find_modulus(const struct blocked_set *set, const uint8_t *tag);

size_t blocked_set_count(const struct blocked_set *set);

/* Are the files of the folder still those that were read? Costs a look at the folder. The
 * registry's list has registry_policy_version(). */
bool blocked_set_is_current(const struct blocked_set *set, const struct registry *registry);
