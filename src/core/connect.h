/* SPDX-License-Identifier: Apache-2.0 */
/* CONNECT, and what became of one that waited (clone.h, ADMISSION_WAIT). Private to the core.
 *
 * Owner: the shard. The client may be doomed afterwards. */
#pragma once

#include "codec/connect.h"
#include "codec/status.h"
#include "core/ports.h"

#include <stdint.h>

struct client;

/* What the admission port says to a CONNECT, at whatever step. `connect` may lie in
 * client->authentication. */
enum mqtt_status connect_follow(struct client *client, const struct mqtt_connect *connect,
                                enum admission admission, struct admission_answer *answer,
                                uint64_t now_ms);

/* CONNACK with `reason`, then the end. `text` is static. `connect`: NULL where there is none that
 * can be read. */
enum mqtt_status connect_refuse(struct client *client, const struct mqtt_connect *connect,
                                uint8_t reason, const char *text, const char *server_reference);

/* Admission is asked again, and what it says is followed. The client is in
 * CLIENT_AWAITS_VERDICT. */
void connect_go_on(struct client *client, uint64_t now_ms);

/* The same client is refused. */
void connect_turn_away(struct client *client, uint8_t reason, const char *text);

/* A packet has come from a client that is in, and has a turn. */
void connect_confirm(struct client *client);
