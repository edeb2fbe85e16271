/* SPDX-License-Identifier: Apache-2.0 */
/* One who comes in by a JSON Web Token: as the password of a CONNECT, or by the method JWT_METHOD.
 * The connection ends when the token does, unless it authenticates again.
 *
 * Owner: the shard's thread. */
#pragma once

#include "daemon/admission.h"

/* What `listener` makes of the token; *out as of admission_decide(). */
enum admission login_by_token(struct admission_rules *rules, const struct config_listener *listener,
                              const struct admission_request *request, struct mqtt_span token,
                              struct admission_answer *out);
