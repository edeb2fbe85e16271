/* SPDX-License-Identifier: Apache-2.0 */
/* The canaries as tacitd needs them all the time, in memory: which topics are decoys, and which user
 * names bait. Built and replaced with registry_view.h, where it stands which devices are canaries.
 * Immutable and counted; thread-safe for reading. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/canaries.h"

struct canary_set;

/* Reads all canaries. Counted once. */
MQTT_NODISCARD int canary_set_new(struct registry *registry, struct canary_set **out,
                                  struct pki_fault *fault);
struct canary_set *canary_set_ref(struct canary_set *set);
void canary_set_unref(struct canary_set *set); /* NULL is fine */

/* The canary that is an account of this name, which may not have been made yet: a mark comes first.
 * Its name, borrowed; NULL: none, also when `set` is NULL. */
const char *canary_set_find_account(const struct canary_set *set, struct mqtt_span name);

/* Which decoy a message on this topic is for; `topic` as in the broker. Its name, borrowed; NULL:
 * none, also when `set` is NULL. */
const char *canary_set_find_topic(const struct canary_set *set, struct mqtt_span topic);

/* Which decoy a filter names, without $share/NAME/ in front: one that spells out all levels of the
 * decoy, whatever wildcards follow. One with a wildcard higher up takes in the decoy along with
 * much else, and is no sign of somebody who looks for it. */
const char *canary_set_find_filter(const struct canary_set *set, struct mqtt_span filter);
