/* SPDX-License-Identifier: Apache-2.0 */
/* The answer to a CONNECT, MQTT 5.0 section 3.2: what the client was given where it
 * differs from what it asked for or from the standard's default. Private to the core. */
#pragma once

#include "base/span.h"
#include "codec/connect.h"
#include "core/ports.h"

#include <stdbool.h>
#include <stdint.h>

struct client;

/* What the client has now. */
struct connack_session {
    struct mqtt_span client_id;
    uint32_t expiry_s;
    bool id_is_assigned;
    bool is_present; /* from an earlier connection */
};

void connack_accept(struct client *client, const struct mqtt_connect *connect,
                    const struct admission_answer *answer, const struct connack_session *session);

/* `reason` >= 0x80; before MQTT 5 its nearest return code. `text` and
 * `server_reference` are static or NULL. */
void connack_refuse(struct client *client, uint8_t reason, const char *text,
                    const char *server_reference);
