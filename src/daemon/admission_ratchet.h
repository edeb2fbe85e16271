/* SPDX-License-Identifier: Apache-2.0 */
/* The ratchet of a device (promise I6, docs/ratchet.md), as a part of admission. */
#pragma once

#include "daemon/admission.h"

/* Is the exchange of that request one of ours? False when there is none. */
bool admission_ratchet_is_exchange(const struct admission_request *request);

/* Does somebody with a certificate say in MQTT 5's way where a ratchet stands? */
bool admission_ratchet_is_turned(const struct admission_rules *rules,
                                 const struct admission_request *request);

/* Does somebody say where a ratchet stands before MQTT 5, where that it is accepted would count as
 * turned? */
bool admission_ratchet_is_implied(const struct admission_request *request);

/* The device of that entry is let in by *answer, which has its credential: is it where its ratchet
 * is, too? ADMISSION_WAIT with an exchange of ratchets.h, until the answer is on the disk. When it
 * was copied, answer->fork says whom it has met; borrowed from the rules. */
enum admission admission_ratchet_decide(struct admission_rules *rules,
                                        const struct admission_request *request,
                                        const struct registry_view_entry *entry,
                                        struct admission_answer *answer);

/* For admission_port. */
void admission_ratchet_confirm(void *rules, const struct identity *identity, uint64_t turn);
