/* SPDX-License-Identifier: Apache-2.0 */
/* A CONNECT that waited because of other connections of its key (clone.h). Private to the core.
 *
 * Owner: the shard. The client is in CLIENT_AWAITS_VERDICT; it may be doomed afterwards. */
#pragma once

#include <stdint.h>

struct client;

/* Admission is asked again, and what it says is followed. */
void connect_go_on(struct client *client, uint64_t now_ms);

/* CONNACK with `reason`, then the end. `text` is static. */
void connect_turn_away(struct client *client, uint8_t reason, const char *text);
