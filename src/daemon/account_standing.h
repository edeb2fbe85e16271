/* SPDX-License-Identifier: Apache-2.0 */
/* Where one stands now who came in without a certificate: by the account's password, or by a token.
 * Pure as admission.h, whose rules it looks at. */
#pragma once

#include "daemon/admission.h"

/* True: the identity is such a one, and *out says where it stands. `present` NULL: it is not
 * connected to this shard. Asked for names that are no device's. */
bool account_standing_find(struct admission_rules *rules, const struct identity *identity,
                           const struct presence_entry *present, struct standing *out);

/* Does a listener take tokens for this role? Nothing else is known of a token any more, which ends
 * by itself. */
bool account_standing_may_be_token(const struct config *config, const struct identity *identity);
