/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an answer of `tacit policy` is about, for people and for programs. */
#pragma once

#include "tools/policy_book.h"

#include <jansson.h>

/* Why it is not let in at all, static text; NULL: it is. `role` is what policy_find() says. */
const char *policy_subject_bar(const struct policy_book_subject *subject, const struct role *role);

/* Its name, status, role, what it is granted besides, tenant and site, and its key where the role asks
 * for one; one a line. */
void policy_subject_print(const struct policy_book_subject *subject, const struct role *role);

/* {"device", "registered", "status", "barred", "role", "tenant", "site", "parts",
 * "require_key", "protection", "attested"}; "parts" are the roles that its grants are from, "protection" is how the
 * registry has its key. NULL out of memory; the caller owns it. */
json_t *policy_subject_json(const struct policy_book_subject *subject, const struct role *role);
