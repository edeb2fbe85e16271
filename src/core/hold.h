/* SPDX-License-Identifier: Apache-2.0 */
/* A client that is held: PINGREQ is answered and DISCONNECT taken, everything else is read and
 * dropped, and nothing is delivered. Its session is as one whose client is absent. Private to the
 * core.
 *
 * Owner: the shard. Whether an identity is held is for the admission port to say; a hold ends
 * with the connection. */
#pragma once

#include "base/attrs.h"
#include "core/ports.h"

#include <stdint.h>

struct broker;
struct client;
struct clone_watch;
struct session;

/* An active client is held from now on. One that is held or closing is fine. */
void hold_begin(struct client *client, const char *why, uint64_t now_ms);

/* A newcomer comes in held, without a session: CONNACK is the caller's to send. The client is
 * watched (clone.h). -ENOMEM. */
MQTT_NODISCARD int hold_newcomer(struct client *client, struct mqtt_span client_id,
                                 const struct admission_answer *answer, uint64_t now_ms);

/* Where the session's identity stands by a changed policy. `why` NULL: it is not held (any more). */
void hold_follow(struct session *session, const char *why);

/* The same for those that have no session. */
void hold_review(struct broker *broker);
