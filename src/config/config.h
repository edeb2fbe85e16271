/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: tacit.conf understood, checked, and immutable.
 *
 * Counted; any thread may read, ref and unref what config_load() has made. */
#pragma once

#include "base/attrs.h"
#include "config/settings.h"
#include "core/limits.h"
#include "policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CONFIG_SHARDS_MAX 256

enum config_clients {
    CONFIG_CLIENTS_REQUIRED = 0, /* only with a certificate */
    CONFIG_CLIENTS_OPTIONAL,
    CONFIG_CLIENTS_NONE, /* certificates are not asked for */
};

enum config_log_format {
    CONFIG_LOG_TEXT = 0,
    CONFIG_LOG_JSON,
};

enum config_log_level {
    CONFIG_LOG_ERROR = 0,
    CONFIG_LOG_WARNING,
    CONFIG_LOG_NOTICE,
    CONFIG_LOG_INFO,
    CONFIG_LOG_DEBUG,
};

/* Strings are owned by the configuration; NULL where nothing was written. */
struct config_listener {
    char *name;
    char *address; /* numeric; "": every address */
    char *path;    /* Unix socket; then address and port mean nothing */
    uint16_t port;
    bool is_tls;
    bool is_exposed; /* plaintext that others on the network can read: the operator said so */
    bool allow_tls_1_2;
    bool client_ids_are_free; /* a client id need not begin with the device's name */
    enum config_clients clients;
    char *certificate; /* NULL, as key and client_ca: the one of the state folder */
    char *key;
    char *client_ca;
    char *crl;
    char *anonymous_role; /* of clients that prove nothing; NULL: refused */
    char
        *certificate_role; /* of good certificates that the registry does not know; NULL: refused */
    const char *file;      /* where it stands */
    unsigned line;
};

struct config {
    atomic_uint references;
    char *state;     /* NULL: the default */
    unsigned shards; /* 0: one per processor */
    enum config_log_format log_format;
    enum config_log_level log_level;
    struct config_listener *listeners; /* at least one */
    size_t listener_count;
    struct policy *policy;
    struct limits limits;
    bool announces_receive_maximum; /* the file sets limits.receive-maximum */
    struct settings settings;       /* private: file names live there */
};

/* What the command line says instead of the file. */
struct config_overrides {
    const char *state; /* NULL: none */
    uint16_t port;     /* of the first listener; 0: none */
    int shards;        /* -1: none */
    int log_format;    /* enum config_log_format; -1: none */
};

/* Reads and checks. `path` NULL: the built-in configuration. 0, -EINVAL after complaints,
 * or -ENOMEM. */
MQTT_NODISCARD int config_load(const char *path, const struct settings_files *files,
                               const struct config_overrides *overrides,
                               struct diagnostics *diagnostics, struct config **out);
struct config *config_ref(struct config *config);
void config_unref(struct config *config); /* NULL is fine */

/* The built-in configuration as the text of a file: what it has of listeners and
 * roles stands in for those that a file does not define. */
extern const char config_builtin[];

/* ---- parts, in files of their own ---- */

/* One "listener" block. 0 or -ENOMEM. */
MQTT_NODISCARD int config_listener_read(const struct settings_block *block,
                                        struct diagnostics *diagnostics,
                                        struct config_listener *out);
/* What only shows when all are read, after --port: eavesdropping, twins, roles. */
void config_listener_check(const struct config *config, struct diagnostics *diagnostics);
void config_listener_fini(struct config_listener *listener);

/* One "role" block, added to `policy`. */
MQTT_NODISCARD int config_role_read(const struct settings_block *block,
                                    struct diagnostics *diagnostics, struct policy *policy);
