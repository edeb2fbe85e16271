/* SPDX-License-Identifier: Apache-2.0 */
/* What speaks against an account whose password was right. Owner: the shard of the rules. */
#pragma once

#include "daemon/admission.h"
#include "pki/accounts.h"

/* NULL: nothing. `account` is what was read when the log-in began. Lives as long as an answer. */
const char *account_objection(struct admission_rules *rules, const struct account *account);
