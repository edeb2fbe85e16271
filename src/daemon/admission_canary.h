/* SPDX-License-Identifier: Apache-2.0 */
/* Whose certificate or user name is a canary's (promise I9). Who brings one belongs to the decoy
 * broker (decoy.h), which is asked for before admission; admission sees to it that no canary ever
 * comes in anywhere else.
 *
 * Owner: the shard of the rules. */
#pragma once

#include "daemon/admission.h"
#include "net/facts.h"

#include <stdbool.h>

/* A canary that was not known to be one when the decoy broker was asked for, as it is a moment old:
 * the next try finds the way. */
#define LOST_CANARY "not everything is ready yet; try again"

/* The canary whose certificate the connection has proved to have, whatever became of it: borrowed
 * from the rules until the next call; NULL: none. */
const char *admission_canary_of_peer(struct admission_rules *rules, const struct tls_peer *peer);

/* The canary whose user name a CONNECT brings, where user names count; likewise. `bytes` holds the
 * whole packet. */
const char *admission_canary_of_connect(const struct admission_rules *rules,
                                        const struct connection_facts *facts,
                                        struct mqtt_span bytes);

/* Does the registry say so? What cannot be found out counts as one. */
bool admission_canary_is_marked(struct registry *registry, const char *name);

/* Has an account that is a canary come to another than the decoy broker? */
bool admission_canary_is_lost(const struct admission_rules *rules, const char *account);
