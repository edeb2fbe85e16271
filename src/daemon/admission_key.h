/* SPDX-License-Identifier: Apache-2.0 */
/* What a role asks of the key of whoever has it (`require-key`, promise I7), put to those whom
 * admission would let in. What counts is what the registry has of the key: a level that was declared
 * when the device enrolled, or that its TPM has proved since. Owner: the shard of the rules. */
#pragma once

#include "daemon/admission.h"

/* Of an answer that allows: it, or a refusal. A password, a token and the certificate of another CA
 * are no key whose level the registry knows. */
enum admission admission_key_check(struct admission_rules *rules,
                                   const struct admission_request *request,
                                   struct admission_answer *out);

/* The same for somebody who is in already. */
void admission_key_check_standing(struct admission_rules *rules, const struct identity *identity,
                                  struct standing *out);
