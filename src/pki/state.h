/* SPDX-License-Identifier: Apache-2.0 */
/* The state folder: everything tacitd needs to be itself.
 *
 *     DIR/                 0700, owned by the user tacitd runs as
 *       ca/root.crt root.key      root of trust; the key may be taken away after setting up
 *       ca/ca.crt ca.key          issuing CAs, the newest first, and its key (state_ca.h). In
 *                                 folders of before the root stands here, and no root.crt
 *       server/server.crt server.key
 *       admin/admin.crt admin.key first identity, kind admin, role "admin"
 *       registry.db               who exists (registry.h)
 *       blocked-keys/             lists of keys that nobody may use (blocked_folder.h)
 *       activity.db               who was seen when (activity.h)
 *       ratchet.db                where the ratchets of devices stand (ratchet_file.h)
 *       crl/ca.crl ca.crl.pem     what the CA has revoked (crl.h), DER and PEM
 *       server/server.ocsp        that the server certificate is good (ocsp.h), DER
 *       store/                    sessions and retained messages (store/snapshot.h)
 *       learning/observed         who did what (policy/sketch.h)
 *       learning/behaviour.N      what shard N has learned of it (daemon/behaviour_file.h)
 *       learning/behaviour.order, .answer, .before   see pki/behaviour_file.h
 *       learning/wanted           made by a tool that wants it written now; tacitd renames it
 *       learning/coming           to this, and removes that when it is written
 *       learning/blocked          addresses that are blocked (pki/barred.h)
 *       learning/pardon.S.ADDRESS made by a tool: that one is not to be for so many seconds
 *       trust/ca.crt root.crt     copies of those in ca/, which tacitd itself cannot open
 *                                 (state_layout.h)
 *       audit/                    the audit log (audit/journal.h), its lock and its public key
 *       audit-key.pem             what signs its checkpoints
 *       lock tacitd.lock          held while preparing, and by the running tacitd
 *
 * Every file is created with its final mode, written under another name, synced and renamed:
 * it is there whole or not at all. A preparation that was interrupted at any point is
 * completed by the next one. Thread: any, one at a time per folder; processes exclude each
 * other by the lock. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/ca_keyring.h"
#include "pki/fault.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stddef.h>

#define STATE_PATH_SIZE  4096    /* longest path and NUL */
#define STATE_ADMIN_NAME "admin" /* the first identity */

enum state_file {
    STATE_CA_CERTIFICATE,
    STATE_CA_KEY,
    STATE_ROOT_CERTIFICATE,
    STATE_ROOT_KEY,
    STATE_SERVER_CERTIFICATE,
    STATE_SERVER_KEY,
    STATE_ADMIN_CERTIFICATE,
    STATE_ADMIN_KEY,
    STATE_REGISTRY,
    STATE_STORE,         /* the folder */
    STATE_CONFIGURATION, /* tacit.conf, if the operator puts one there */
    STATE_OBSERVED,      /* who did what (policy/sketch.h), once something was */
    STATE_CRL,           /* DER, as HTTP serves it */
    STATE_CRL_PEM,       /* the same for OpenSSL and for the `crl` of a listener */
    STATE_OCSP,
    STATE_ACTIVITY,
    STATE_OBSERVED_WANTED,
    STATE_OBSERVED_COMING,
    STATE_NEXT_KEY, /* of the next issuing CA, while it is being made */
    STATE_AUDIT,    /* the folder of the audit log */
    STATE_AUDIT_KEY,
    STATE_AUDIT_PUBLIC_KEY,
    STATE_SHOWN_CA, /* what a running tacitd sees of the CA's certificate, and of the root's */
    STATE_SHOWN_ROOT,
    STATE_RATCHET,
    STATE_BEHAVIOUR, /* what each shard has learned of it: ".N" follows */
    STATE_BARRED,    /* addresses that are blocked (pki/barred.h) */
    STATE_PARDON,    /* that one is not to be: ".SECONDS.ADDRESS" follows */
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
    enum key_algorithm algorithm;    /* of a new CA's keys */
    const struct ca_access *access;  /* to the CA's key; NULL: it lies in the folder, not sealed */
    int64_t now_s;                   /* 0: what the clock says */
    const char *const *server_names; /* more DNS names or addresses for a new server certificate */
    size_t server_name_count;
    bool without_server; /* only folder, CA and registry: `tacit ca init` */
    bool only_server;    /* only renew the server certificate, if it is time: a running tacitd,
                            which waits for nobody: -EBUSY when a tool is at work in the folder */
};

/* What was made now rather than found. */
struct state_made {
    bool folder;
    bool ca;
    bool server; /* or renewed: see STATE_RENEW_DAYS */
    bool admin;
    bool registry;
    char trust_domain[IDENTITY_URI_DOMAIN_SIZE]; /* of the CA, old or new */
    int64_t ca_not_after_s;                      /* until when the CA that signs is valid, UTC */
    bool is_overdue;          /* a certificate is to be renewed, and the CA's key cannot be had */
    struct pki_fault overdue; /* why */
};

/* A server certificate is renewed when less than a third of its life is left, or less than this
 * if that is less, and the new one would be valid for longer. Until it has expired it serves
 * without the CA's key too. */
#define STATE_RENEW_DAYS 30

/* Makes what is missing; a second call finds everything and changes nothing. `options` may be
 * NULL. -EPERM: the folder belongs to another user or others may write to it. */
MQTT_NODISCARD int state_prepare(const char *dir, const struct state_options *options,
                                 struct state_made *out, struct pki_fault *fault);

/* Is the folder there, ours and closed to others? -ENOENT: there is none; -EPERM. */
MQTT_NODISCARD int state_check(const char *dir, struct pki_fault *fault);

/* Waits until nobody else prepares or changes the folder, and holds the others off until the
 * descriptor in *out is closed. Without `waits`, -EBUSY when there is somebody. */
MQTT_NODISCARD int state_lock(const char *dir, bool waits, int *out, struct pki_fault *fault);

/* Reserves the folder for this process until the descriptor in *out is closed. -EBUSY: another
 * tacitd has it. */
MQTT_NODISCARD int state_claim(const char *dir, int *out, struct pki_fault *fault);

/* Does a tacitd have it now? */
bool state_is_claimed(const char *dir);

/* Trust domain of the CA in the folder; `out` has IDENTITY_URI_DOMAIN_SIZE bytes. */
MQTT_NODISCARD int state_trust_domain(const char *dir, char *out, struct pki_fault *fault);
