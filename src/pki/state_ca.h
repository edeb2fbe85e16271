/* SPDX-License-Identifier: Apache-2.0 */
/* The CA of a state folder: opening it, giving it a successor, sealing its keys.
 *
 * ca.crt holds the issuing CAs that are trusted, the newest first; the key belongs to one of
 * them. A renewal makes the next key (ca/next.key), puts the next certificate before the others,
 * and then gives the next key its name. At whatever point it is cut short, the folder has a CA
 * that signs and is trusted, and saying it again completes it. Devices of the CA before come in
 * until their certificates expire.
 *
 * Thread: any; changes exclude each other, and preparations, by the lock of the folder. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/ca_keyring.h"
#include "pki/fault.h"

#include <stdbool.h>
#include <stdint.h>

/* Which keys are where. */
struct state_ca_keys {
    bool has_root;      /* two tiers; else the root issues */
    bool has_root_key;  /* needed to renew, and for nothing else */
    bool has_key;       /* the issuing one, in the folder */
    bool is_sealed;     /* one of them is under a passphrase */
    bool is_unfinished; /* a renewal was cut short; say `tacit ca renew` again */
};

/* -EPERM: others can read a key; otherwise what the file system said. */
MQTT_NODISCARD int state_ca_look(const char *dir, struct state_ca_keys *out,
                                 struct pki_fault *fault);

/* The CA that signs. `access` may be NULL. -ENOENT: its key is kept elsewhere, or there is no CA;
 * -ENOKEY, -EKEYREJECTED, -ENODEV as ca_keyring_issuing(). */
MQTT_NODISCARD int state_ca_open(const char *dir, const struct ca_access *access, struct ca **out,
                                 struct pki_fault *fault);

/* What clients are given to trust: the root. */
MQTT_NODISCARD int state_ca_root(const char *dir, struct certificate **out,
                                 struct pki_fault *fault);

/* Makes the next issuing CA; one that has a single tier gets its second. -ENOENT: the root's key
 * is not there. */
MQTT_NODISCARD int state_ca_renew(const char *dir, const struct ca_access *access, int64_t now_s,
                                  struct pki_fault *fault);

/* Puts the keys in the folder under the passphrase. -EKEYREJECTED: one is under another already;
 * -ENOENT: there are no keys. */
MQTT_NODISCARD int state_ca_seal(const char *dir, const struct passphrase *passphrase,
                                 struct pki_fault *fault);

/* Takes them out of it. */
MQTT_NODISCARD int state_ca_unseal(const char *dir, const struct ca_access *access,
                                   struct pki_fault *fault);
