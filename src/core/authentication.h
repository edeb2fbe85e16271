/* SPDX-License-Identifier: Apache-2.0 */
/* What has to be remembered of a CONNECT between the steps of an enhanced authentication, or
 * until its verdict comes. MQTT 5.0 section 4.12. Private to the core. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "core/ports.h"

#include <stdbool.h>

struct client;

struct authentication {
    void *exchange;     /* the admission port's, NULL between exchanges */
    bool is_under_way;  /* an AUTH from the client is awaited */
    uint64_t turn;      /* of the ratchet, while it waits for something else: core/ports.h */
    size_t method_len;  /* 0: no enhanced authentication */
    size_t connect_len; /* body of the CONNECT, while it waits */
    uint8_t bytes[];    /* method, then CONNECT body */
};

/* Remembers the method, and the CONNECT body until it has been answered. -ENOMEM. */
MQTT_NODISCARD int authentication_begin(struct client *client, struct mqtt_span method,
                                        struct mqtt_span connect_body);
struct mqtt_span authentication_method(const struct client *client); /* empty: none */
struct mqtt_span authentication_connect(const struct client *client);

/* The verdict is there: what is not needed for a re-authentication is forgotten, and wiped. */
void authentication_settle(struct client *client);

/* Gives up an unfinished exchange and forgets everything. No authentication is fine. */
void authentication_abandon(struct client *client);
