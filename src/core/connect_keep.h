/* SPDX-License-Identifier: Apache-2.0 */
/* What of a session that comes is kept on disk, and when its CONNACK may say so. Private to the
 * core; part of connect.c. */
#pragma once

#include "codec/connect.h"
#include "core/journal.h"
#include "policy/policy.h"

#include <stdint.h>

struct client;

/* Seconds that the session is to outlive its connection: what was asked for, within the limit. */
uint32_t connect_keep_expiry(const struct client *client, const struct mqtt_connect *connect);

/* Of what its role (NULL: none) and its listener say, the least. */
enum policy_durability connect_keep_level(const struct client *client, const struct role *role);

/* Why it cannot come in now, as nobody is promised what cannot be kept: a static text, and the
 * reason code; NULL: it may. client->durability is set. */
const char *connect_keep_objection(const struct client *client, const struct mqtt_connect *connect,
                                   uint8_t *out_reason);

/* The session of the client is on disk from now on with its present terms, or not any more. */
void connect_keep_session(struct client *client, const struct mqtt_connect *connect);

/* The CONNACK, which is to be encoded next, waits for what was written since. */
void connect_keep_hold(struct client *client, const struct journal_mark *since);
