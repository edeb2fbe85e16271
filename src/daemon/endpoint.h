/* SPDX-License-Identifier: Apache-2.0 */
/* The listeners of the configuration as sockets and TLS contexts, across reloads.
 *
 * Owner: the main thread. An endpoint keeps its name, its slot on the shards and its TLS
 * context from its first appearance to the end of the process: connections point at
 * them. */
#pragma once

#include "base/attrs.h"
#include "config/config.h"
#include "daemon/shard.h"
#include "pki/state.h"
#include "tls/context.h"

#include <stdbool.h>

#define ENDPOINT_WHY_BYTES 512

struct endpoint {
    char *name;
    char *address;
    char *path; /* NULL: TCP */
    uint16_t port;
    bool is_tls;
    bool is_open;
    struct tls_context *tls; /* made at the first need */
    int *fds;                /* bound and not yet handed to the shards; one for each, or NULL */
};

struct endpoints {
    const char *state_dir; /* borrowed; set before certificates are needed */
    unsigned shard_count;
    size_t count;
    struct endpoint all[SHARD_LISTENERS_MAX];
};

void endpoint_init(struct endpoints *endpoints, unsigned shard_count);
void endpoint_fini(struct endpoints *endpoints); /* all nets are closed */

/* All functions: 0 or negative errno with one line for the operator in `out_why` of
 * ENDPOINT_WHY_BYTES. */

/* Binds what `config` names and is not open yet; all or nothing. */
MQTT_NODISCARD int endpoint_bind(struct endpoints *endpoints, const struct config *config,
                                 char *out_why);

/* Closes what was bound and not handed over. */
void endpoint_unbind(struct endpoints *endpoints);

/* Reads the certificates of all TLS listeners of `config` and throws them away: would
 * they do? With `only_named`, of those whose files the configuration names itself. */
MQTT_NODISCARD int endpoint_try_tls(const struct endpoints *endpoints, const struct config *config,
                                    bool only_named, char *out_why);

/* Makes or reloads the TLS contexts. */
MQTT_NODISCARD int endpoint_load_tls(struct endpoints *endpoints, const struct config *config,
                                     char *out_why);

/* Tells the shards: opens what was bound, closes what `config` has no more. */
MQTT_NODISCARD int endpoint_publish(struct endpoints *endpoints, const struct config *config,
                                    struct shard *shards, char *out_why);

/* "192.0.2.1 port 8883", "every address, port 8883" or the path; for the log. */
void endpoint_describe(const struct config_listener *listener, char *out, size_t size);

/* Does `config` need the CA, the server certificate or the registry of the state folder? */
bool endpoint_needs_identity(const struct config *config);
