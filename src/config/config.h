/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration: tacit.conf understood, checked, and immutable.
 *
 * Counted; any thread may read, ref and unref what config_load() has made. */
#pragma once

#include "base/attrs.h"
#include "config/config_process.h"
#include "config/settings.h"
#include "core/limits.h"
#include "policy/policy.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define CONFIG_SHARDS_MAX     256
#define CONFIG_ENROLMENT_PORT 8884

#define CONFIG_BUILTIN_NAME "built-in configuration" /* the file of what no file says */

enum config_clients {
    CONFIG_CLIENTS_REQUIRED = 0, /* only with a certificate */
    CONFIG_CLIENTS_OPTIONAL,
    CONFIG_CLIENTS_NONE, /* certificates are not asked for */
};

enum config_passwords {
    CONFIG_PASSWORDS_OFF = 0,
    CONFIG_PASSWORDS_ON,    /* in CONNECT, and SCRAM: where nobody overhears */
    CONFIG_PASSWORDS_SCRAM, /* SCRAM only, which may be overheard */
};

enum config_detach {
    CONFIG_DETACH_OFF = 0,
    CONFIG_DETACH_IDLE,   /* after limits.tls_detach_idle_ms without traffic */
    CONFIG_DETACH_ALWAYS, /* once a client is in and goes on: what a file that says nothing means */
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

/* A tokens block: whose JSON Web Tokens a listener takes. Strings are owned by the configuration. */
struct config_tokens {
    char *key; /* path of the public key */
    const char *issuer;
    const char *audience;
    const char *role; /* NULL: role_claim names it */
    const char *name_claim;
    const char *role_claim;   /* NULL: role */
    const char *tenant_claim; /* NULL: none */
    const char *site_claim;
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
    enum config_detach detach; /* which connections leave OpenSSL, and when */
    bool client_ids_are_free;  /* a client id need not begin with the device's name */
    enum config_clients clients;
    enum config_passwords passwords; /* of accounts in the registry */
    enum policy_durability durability;
    char *certificate; /* NULL, as key and client_ca: the one of the state folder */
    char *key;
    char *client_ca;
    char *crl;
    bool accepts_stale_crl; /* also after the date that it gives for the next one */
    char *anonymous_role;   /* of clients that prove nothing; NULL: refused */
    char
        *certificate_role; /* of good certificates that the registry does not know; NULL: refused */
    struct config_tokens *tokens;
    size_t token_count;
    const char *file; /* where it stands */
    unsigned line;
    unsigned column;
};

/* A wildcards block. What it says of its expiry is one of three: a date (scope.expires_s), a
 * duration (lasts_s), or never (both 0). */
struct config_scope {
    struct policy_scope scope;
    int64_t lasts_s; /* from when it was first read; 0: scope.expires_s counts */
};

/* A role block with its grants, as data: the policy is built of it whenever the registry or the
 * time says so. Strings are owned by the configuration. */
struct config_role {
    const char *name;
    struct role_options options;
    struct policy_rule *rules; /* its own, then those of its grant blocks, as in the file */
    size_t rule_count;
    struct config_scope *scopes;
    size_t scope_count;
    struct policy_origin origin; /* of the block */
};

/* An assign block: the role of certificates that the registry does not know. The first in the
 * order of the files whose attributes all equal the certificate's counts. Strings are owned by
 * the configuration. */
struct config_assign {
    const char *name;
    const char *common_name; /* as the three below: NULL: any */
    const char *organization;
    const char *organizational_unit;
    const char *issuer;
    const char *role;   /* one of struct config.roles */
    const char *tenant; /* NULL: none */
    const char *site;   /* NULL: none */
    struct policy_origin origin;
};

struct config {
    atomic_uint references;
    char *state;     /* NULL: the default */
    unsigned shards; /* 0: one per processor */
    enum config_log_format log_format;
    enum config_log_level log_level;
    enum config_detach detach;         /* of listeners that say nothing */
    struct config_listener *listeners; /* at least one */
    size_t listener_count;
    struct config_role *roles;
    size_t role_count;
    struct config_assign *assigns;
    size_t assign_count;
    struct config_ca ca;
    struct config_sandbox sandbox;
    struct config_audit audit;
    struct config_sense sense;
    struct config_enrolment enrolment;
    struct policy *policy; /* of the roles alone: no registry, nothing has expired */
    struct limits limits;
    bool observes;                  /* who does what is sketched for `tacit policy` */
    bool announces_receive_maximum; /* the file sets limits.receive-maximum */
    struct settings settings;       /* private: strings live there */
    struct settings builtin;        /* private: those of the built-in configuration */
};

/* What the command line says instead of the file. */
struct config_overrides {
    const char *state; /* NULL: none */
    uint16_t port;     /* of the first listener; the built-in enrolment gets the next; 0: none */
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

/* Are two texts of it the same? Either may be NULL, which only NULL is the same as. */
bool config_is_same_text(const char *a, const char *b);

/* The role of that name, borrowed, or NULL. */
const struct config_role *config_find_role(const struct config *config, const char *name);

/* When a wildcards block that lasts a while ends, UTC; 0: never. */
typedef int64_t (*config_expiry)(void *context, const struct config_role *role,
                                 const struct config_scope *scope);

/* Adds a role to a policy that is being built, without what has expired at `now_s` (UTC; 0:
 * everything). `expiry_of` is asked for every scope with lasts_s; NULL: such scopes do not
 * expire. -EINVAL: the policy has a role of that name, or refuses a part of it, which cannot be
 * of the roles that config_load() has accepted; -ENOMEM. */
MQTT_NODISCARD int config_role_add(const struct config_role *role, struct policy *policy,
                                   int64_t now_s, config_expiry expiry_of, void *context,
                                   struct role **out);

/* The built-in configuration as the text of a file: what it has of listeners and
 * roles stands in for those that a file does not define. */
extern const char config_builtin[];

/* ---- parts, in files of their own ---- */

/* One "listener" block; the roles of `config` are read already. 0 or -ENOMEM. */
MQTT_NODISCARD int config_listener_read(const struct settings_block *block,
                                        const struct config *config,
                                        struct diagnostics *diagnostics,
                                        struct config_listener *out);
/* What a block says of tls-detach, if it does. */
void config_listener_detach(const struct settings_block *block, struct diagnostics *diagnostics,
                            enum config_detach *inout);
/* The tokens blocks inside the listener's block at `which`. 0 or -ENOMEM. */
MQTT_NODISCARD int config_tokens_read(const struct settings *settings, size_t which,
                                      const struct config *config, struct diagnostics *diagnostics,
                                      struct config_listener *out);
void config_tokens_fini(struct config_listener *listener);
/* What only shows when all are read, after --port: eavesdropping, twins. */
void config_listener_check(const struct config *config, struct diagnostics *diagnostics);
/* Can only programs on this machine reach it? */
bool config_listener_is_local(const struct config_listener *listener);
void config_listener_fini(struct config_listener *listener);

/* Does it need certificates of the state folder? */
bool config_listener_needs_state(const struct config_listener *listener);
/* A numeric address, borrowed from the setting; "" for all, also after a complaint and for NULL. */
const char *config_listener_address(const struct setting *item, struct diagnostics *diagnostics);

/* The enrolment blocks of `settings`; roles and listeners of `config` are read already. 0 or
 * -ENOMEM. */
MQTT_NODISCARD int config_enrolment_read(const struct settings *settings,
                                         struct diagnostics *diagnostics, struct config *config);
/* What only shows when all are read, after --port: whether it is where a listener is. The built-in
 * one gives way. */
void config_enrolment_check(struct config *config, struct diagnostics *diagnostics);
void config_enrolment_fini(struct config_enrolment *enrolment);

/* The "role" block at `which`, with the blocks inside. 0 or -ENOMEM. */
MQTT_NODISCARD int config_role_read(const struct settings *settings, size_t which,
                                    struct diagnostics *diagnostics, struct config_role *out);
/* Adds it to the policy that shows whether it is right: complains about what the policy refuses.
 * 0 or -ENOMEM. */
MQTT_NODISCARD int config_role_check(const struct config_role *role,
                                     struct diagnostics *diagnostics, struct policy *policy);
void config_role_fini(struct config_role *role);

/* One "assign" block; the roles of `config` are read already. */
void config_assign_read(const struct settings_block *block, const struct config *config,
                        struct diagnostics *diagnostics, struct config_assign *out);

/* The "ca" block, NULL: there is none. 0 or -ENOMEM. */
MQTT_NODISCARD int config_ca_read(const struct settings_block *block,
                                  struct diagnostics *diagnostics, struct config_ca *out);
void config_ca_fini(struct config_ca *ca);

/* What stands outside of blocks about confinement. 0 or -ENOMEM. */
MQTT_NODISCARD int config_sandbox_read(const struct settings_block *block,
                                       struct diagnostics *diagnostics, struct config_sandbox *out);
/* The "sense" block; NULL: as it is when nothing is said. */
void config_sense_read(const struct settings_block *block, struct diagnostics *diagnostics,
                       struct config_sense *out);

void config_sandbox_fini(struct config_sandbox *sandbox);

/* Complains when the value of `key` names no role of `config`; NULL when it is not set. */
const char *config_role_name(const struct settings_block *block, const char *key,
                             const struct config *config, struct diagnostics *diagnostics);
