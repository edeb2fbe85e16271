/* SPDX-License-Identifier: Apache-2.0 */
/* Which key the devices that are connected to a shard have proved, and where it comes from.
 *
 * A session is judged again when the policy changes, and all that the core knows of it then is
 * the identity. The registry may have given the name to another key meanwhile, or may know a name
 * at last that a certificate of another CA has been using: this tells them apart.
 *
 * Owner: the shard's thread. Bounded by limits.connections: an entry goes with the last
 * connection of its device. */
#pragma once

#include "base/bytes_map.h"
#include "pki/account_view.h"
#include "pki/registry_view.h"
#include "policy/identity.h"
#include "tls/peer.h"

#include <stdbool.h>

struct presence {
    struct bytes_map map; /* by device */
    size_t strangers;     /* of them: not by a certificate of our own CA */
};

struct presence_key {
    uint8_t sha256[TLS_FINGERPRINT_BYTES];
    bool is_rsa;
    uint8_t modulus_tag[TLS_MODULUS_TAG_BYTES];
};

struct presence_entry {
    struct bytes_node node;
    unsigned connections;
    uint8_t key[TLS_FINGERPRINT_BYTES]; /* of the first of them */
    bool is_ours;                       /* the certificate named an identity of our own CA */
    bool has_certificate;               /* false: it came by a password or a token */
    bool has_token;                     /* it came by a token */
    bool is_mixed;             /* the connections proved different keys, or of both kinds */
    struct presence_key *keys; /* each that was proved, once */
    size_t key_count;
    char name[IDENTITY_NAME_BYTES + 1];
};

void presence_init(struct presence *presence, const struct siphash_key *key);
void presence_fini(struct presence *presence);

/* How somebody has come in. */
struct presence_proof {
    const struct tls_peer *peer; /* NULL: without a certificate */
    bool is_ours;                /* the certificate names an identity of our own CA */
    bool has_token;              /* without a certificate: by a token, not by a password */
};

/* A device has connected. Out of memory: it is as one that is not connected. */
void presence_add(struct presence *presence, const char *device,
                  const struct presence_proof *proof);

/* And has left. One that was not added is fine. */
void presence_remove(struct presence *presence, const char *device);

/* Is somebody here under a name that the registry has for another: one who came by a certificate of
 * another CA or by a token before the name was given away? Where there are many to ask about, it is
 * taken to be so, as what follows looks at them one after the other, in slices. */
bool presence_has_strangers(struct presence *presence, const struct registry_view *devices,
                            const struct account_view *accounts);

/* Borrowed until the device leaves, or NULL. */
const struct presence_entry *presence_find(const struct presence *presence, const char *device);
