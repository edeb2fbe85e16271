/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder: everything tacitd needs to be itself.
 *
 *     DIR/                 0700, owned by the user tacitd runs as
 *       ca/ca.crt ca.key          root of trust; the key may be taken away after setting up
 *       server/server.crt server.key
 *       admin/admin.crt admin.key first identity, kind admin, role "admin"
 *       registry.db               who exists (registry.h)
 *       store/                    sessions and retained messages (store/snapshot.h)
 *       observed                  who did what (policy/sketch.h)
 *       observed.wanted           made by a tool that wants it written now; tacitd renames it
 *       observed.coming           to this, and removes that when it is written
 *       lock tacitd.lock          held while preparing, and by the running tacitd
 *
 * Every file is created with its final mode, written under another name, synced and renamed:
 * it is there whole or not at all. A preparation that was interrupted at any point is
 * completed by the next one. Thread: any, one at a time per folder; processes exclude each
 * other by the lock. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/fault.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stddef.h>

#define STATE_PATH_SIZE  4096    /* longest path and NUL */
#define STATE_ADMIN_NAME "admin" /* the first identity */

enum state_file {
    STATE_CA_CERTIFICATE,
    STATE_CA_KEY,
    STATE_SERVER_CERTIFICATE,
    STATE_SERVER_KEY,
    STATE_ADMIN_CERTIFICATE,
    STATE_ADMIN_KEY,
    STATE_REGISTRY,
    STATE_STORE,         /* the folder */
    STATE_CONFIGURATION, /* tacit.conf, if the operator puts one there */
    STATE_OBSERVED,      /* who did what (policy/sketch.h), once something was */
    STATE_OBSERVED_WANTED,
    STATE_OBSERVED_COMING,
    STATE_FILE_COUNT,
};

/* Where the state lies when nobody says: $TACIT_STATE; /var/lib/tacit if the caller owns it, or
 * is root and /etc/tacit exists; $XDG_STATE_HOME/tacit; ~/.local/state/tacit. -ENOENT: no
 * home; -ENAMETOOLONG. `out` has STATE_PATH_SIZE bytes. */
MQTT_NODISCARD int state_default_dir(char *out);

/* DIR and the file's place in it. -ENAMETOOLONG. `out` has STATE_PATH_SIZE bytes. */
MQTT_NODISCARD int state_path(const char *dir, enum state_file file, char *out);

struct state_options {
    const char *trust_domain;        /* for a new CA; NULL: a random one */
    const char *const *server_names; /* more DNS names or addresses for a new server certificate */
    size_t server_name_count;
    bool without_server; /* only folder, CA and registry: `tacit ca init` */
};

/* What was made now rather than found. */
struct state_made {
    bool folder;
    bool ca;
    bool server; /* or renewed, when less than STATE_RENEW_DAYS were left */
    bool admin;
    bool registry;
    char trust_domain[IDENTITY_URI_DOMAIN_SIZE]; /* of the CA, old or new */
};

#define STATE_RENEW_DAYS 30

/* Makes what is missing; a second call finds everything and changes nothing. `options` may be
 * NULL. -EPERM: the folder belongs to another user or others may write to it. */
MQTT_NODISCARD int state_prepare(const char *dir, const struct state_options *options,
                                 struct state_made *out, struct pki_fault *fault);

/* Is the folder there, ours and closed to others? -ENOENT: there is none; -EPERM. */
MQTT_NODISCARD int state_check(const char *dir, struct pki_fault *fault);

/* Reserves the folder for this process until the descriptor in *out is closed. -EBUSY: another
 * tacitd has it. */
MQTT_NODISCARD int state_claim(const char *dir, int *out, struct pki_fault *fault);

/* Does a tacitd have it now? */
bool state_is_claimed(const char *dir);

/* Trust domain of the CA in the folder; `out` has IDENTITY_URI_DOMAIN_SIZE bytes. */
MQTT_NODISCARD int state_trust_domain(const char *dir, char *out, struct pki_fault *fault);
