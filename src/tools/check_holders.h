/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit policy check` says about who has the roles: identities of the registry, listeners
 * and assign blocks; and about rows of the registry. */
#pragma once

#include "base/attrs.h"
#include "tools/policy_book.h"
#include "tools/policy_findings.h"

/* 0, or negative errno with the reason in *fault. */
MQTT_NODISCARD int check_holders(const struct policy_book *book, struct policy_findings *findings,
                                 struct pki_fault *fault);
