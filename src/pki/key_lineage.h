/* SPDX-License-Identifier: Apache-2.0 */
/* How identities came by their keys. One that somebody in charge let in (a token, a manufacturer's
 * certificate, tacit unrevoke) stands for itself; one that a device asked for with the key before
 * stands for as much as that one: whoever stole the one could have asked for the other.
 *
 * Owner: the thread of the registry. Functions return 0 or a negative errno with the reason in
 * *fault (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/csr.h"
#include "pki/registry.h"

#include <stdint.h>

#define KEY_LINEAGE_MAX 1000 /* keys that are looked at; a longer line counts as from `former` */

/* Zero is the least that can be made of a key. */
enum key_lineage {
    KEY_LINEAGE_NONE = 0, /* it is not the key of that identity, or the identity is not active */
    KEY_LINEAGE_RENEWED,  /* it is `former`, or was asked for with it, or with one that was */
    KEY_LINEAGE_GIVEN,    /* it is, and nobody who had `former` could come by it that way */
};

/* Writes down that the key of `csr`, if it is another one, was asked for by who had `former`; inside
 * the transaction that gives it. */
MQTT_NODISCARD int key_lineage_record(struct registry *registry, const struct csr *csr,
                                      const uint8_t former[REGISTRY_KEY_BYTES],
                                      struct pki_fault *fault);

/* What `key` is to the identity `name` at this moment, for who knows `former`, which may be the same
 * key. */
MQTT_NODISCARD int key_lineage_find(struct registry *registry, const char *name,
                                    const uint8_t key[REGISTRY_KEY_BYTES],
                                    const uint8_t former[REGISTRY_KEY_BYTES], enum key_lineage *out,
                                    struct pki_fault *fault);
