/* SPDX-License-Identifier: Apache-2.0 */
/* One connection of the daily commands: options and profile put together, a client in
 * an arena from the heap, and the waiting between its events. */
#pragma once

#include "tools/device_ratchet.h"
#include "tools/options.h"
#include "tools/target.h"

#include <tacit/client.h>
#include <tacit/posix.h>

#define CONNECTION_REDIRECTS 4

struct connection {
    const struct options *options;
    struct target target;
    struct tacit_tls *tls;
    struct tacit_posix *posix;
    struct device_ratchet ratchet;
    struct tacit_config config;
    struct tacit_message will;
    struct tacit_client *client;
    void *arena;
    uint64_t deadline_ms; /* of -W; UINT64_MAX: none */
    char host[254];       /* the server's: the target's, or where that one has sent us */
    uint16_t port;
    bool was_up;
};

/* Sets everything up and starts the client; nothing is sent yet. `queue_bytes` bounds
 * what may wait to be sent. Complains itself; *out is then nothing to close. */
MQTT_NODISCARD enum exit_code connection_open(struct connection *out, const struct options *options,
                                              uint32_t queue_bytes);
void connection_close(struct connection *connection);

enum connection_step {
    CONNECTION_EVENT,     /* *out_event is filled */
    CONNECTION_INPUT,     /* `input` can be read */
    CONNECTION_TIMED_OUT, /* -W */
    CONNECTION_WOKEN,     /* `until_ms` has come */
    CONNECTION_SIGNAL,    /* SIGINT or SIGTERM */
};

/* Waits for the next thing to happen. `input` is a descriptor or -1, `until_ms` an
 * absolute time or UINT64_MAX. */
enum connection_step connection_wait(struct connection *connection, int input, uint64_t until_ms,
                                     struct tacit_event *out_event);

/* Lets what is encoded leave, says goodbye and waits for the end, a second at most. */
void connection_finish(struct connection *connection);

/* Judges an event DOWN: says in plain words what happened. True if the command goes
 * on, since the client tries again by itself, or elsewhere when a server has sent it there
 * (over TLS, CONNECTION_REDIRECTS times in a row); else *out_code is how it ends. */
bool connection_survives(struct connection *connection, const struct tacit_event *event,
                         enum exit_code *out_code);

/* "refused: 'a/b': not authorized (0x87): reason string" on standard error. */
void connection_say_refused(const struct connection *connection, struct tacit_bytes what,
                            uint8_t reason, struct tacit_bytes reason_string);

/* The same on standard output as a JSON object, for --json. */
void connection_json_refused(const char *kind, struct tacit_bytes what, uint8_t reason,
                             struct tacit_bytes reason_string);
