/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit policy check` says about the rules of each role. */
#pragma once

#include "tools/policy_book.h"
#include "tools/policy_findings.h"

void check_roles(const struct policy_book *book, struct policy_findings *findings);
