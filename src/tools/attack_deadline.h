/* SPDX-License-Identifier: Apache-2.0 */
/* How long a broker lets a peer be that does not get on. */
#pragma once

#include "tools/attack_check.h"
#include "tools/attack_link.h"

/* Sends `drip` byte by byte, one a second (NULL: says nothing), until the broker closes or
 * --patience is over, and judges that. `what` is the subject: "a CONNECT at one byte a second". */
void attack_deadline_judge(struct attack_link *link, const uint8_t *drip, size_t len,
                           const char *what, struct attack_finding *out);
