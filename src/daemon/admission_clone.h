/* SPDX-License-Identifier: Apache-2.0 */
/* What admission says of one key in two places (promise I5).
 *
 * Owner: the shard of the rules. */
#pragma once

#include "daemon/admission.h"
#include "net/facts.h"

/* What the core is to look after: the key that the connection has proved, where it comes from, and
 * what the role says of clones; nothing in the decoy broker, where everybody is an intruder.
 * `facts->peer` is there. Borrows from the facts, and from the
 * rules until the next call. */
struct credential admission_clone_credential(struct admission_rules *rules,
                                             const struct connection_facts *facts,
                                             const struct role *role, enum identity_kind kind);

#define ADMISSION_QUARANTINE_TEXT                                                             \
    "this identity is in quarantine, because of how it behaves; release it with tacit sense " \
    "release"

/* Why this identity is held, as a static text; NULL: it is not. */
const char *admission_clone_hold(const struct admission_rules *rules,
                                 const struct registry_view_entry *entry);
