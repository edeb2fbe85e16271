/* SPDX-License-Identifier: Apache-2.0 */
/* How the key of a CA is come by: in a file, in a file under a passphrase, or in a PKCS#11 token.
 * A keyring lives as long as one operation, so that a person is asked once. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/key.h"
#include "pki/passphrase.h"

#include <stdbool.h>

#define CA_KEYRING_CREDENTIAL "ca-passphrase" /* of systemd: LoadCredential= in the unit */

/* What the operator said. Strings are borrowed. All zero: the key is a file, not sealed. */
struct ca_access {
    const char *key;             /* "pkcs11:…"; NULL: a file of the state folder */
    const char *passphrase_file; /* NULL: the credential, then `ask` */
    /* Asks a person for the passphrase of `what`, a path, or for the PIN of a token's key. -ENOKEY:
     * nobody is there to answer. NULL: nobody is ever asked. */
    int (*ask)(void *context, const char *what, struct passphrase *out);
    void *context;
};

/* Zero but for `access` is fine, which may be NULL. */
struct ca_keyring {
    const struct ca_access *access;
    bool is_known;
    struct passphrase passphrase;
};

void ca_keyring_fini(struct ca_keyring *ring); /* wipes */

/* The passphrase for the key at `path`, borrowed. -ENOKEY: there is none to be had. */
MQTT_NODISCARD int ca_keyring_passphrase(struct ca_keyring *ring, const char *path,
                                         const struct passphrase **out, struct pki_fault *fault);

/* The key in that file, sealed or not. -ENOENT; -ENOKEY: it is sealed, and there is no passphrase;
 * -EKEYREJECTED: it is not the one; otherwise as key_load(). */
MQTT_NODISCARD int ca_keyring_load(struct ca_keyring *ring, const char *path, struct key **out,
                                   struct pki_fault *fault);

/* The key that signs: in the token, if the operator named one, else in that file. -ENODEV: the
 * token cannot be had. */
MQTT_NODISCARD int ca_keyring_issuing(struct ca_keyring *ring, const char *path, struct key **out,
                                      struct pki_fault *fault);

/* Is the signing key in a token? */
bool ca_keyring_has_token(const struct ca_keyring *ring);
