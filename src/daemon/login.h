/* SPDX-License-Identifier: Apache-2.0 */
/* One who wants to come in by a password: CONNECT with user name and password, or SCRAM-SHA-256.
 *
 *   password    decided whether to look at it (lockout.h); a helper thread reads the account, hashes
 *               and compares; client_judged()
 *   in clear    the same, but the answer is no: a right one is burnt (promise W6), a wrong one is
 *               booked to where it came from
 *   SCRAM       two steps on the shard itself; nothing in them is expensive or secret
 *
 * Owner: the shard's thread. An exchange (struct login) is what core/ports.h calls so. */
#pragma once

#include "daemon/admission.h"

#include <stdbool.h>

struct login;

/* Did the connection come over something that others can read? */
bool login_is_overheard(const struct admission_request *request);

/* A CONNECT with a password. The client is refused, or waits. */
enum admission login_by_password(struct admission_rules *rules,
                                 const struct config_listener *listener,
                                 const struct admission_request *request,
                                 struct admission_answer *out);

/* The method SCRAM_METHOD: client-first; or client-final, when there is an exchange. */
enum admission login_by_scram(struct admission_rules *rules, const struct config_listener *listener,
                              const struct admission_request *request,
                              struct admission_answer *out);

/* The client has gone. */
void login_abandon(struct login *login);
