/* SPDX-License-Identifier: Apache-2.0 */
/* The public key in a file of any usual kind: certificate, certificate request, public or private
 * key, in PEM or DER. A private key is read for its public half only; it is wiped at once, never
 * kept and never printed. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/fault.h"
#include "pki/key.h"

#include <stdbool.h>

struct public_key {
    uint8_t *spki; /* SubjectPublicKeyInfo in DER, as the file has it or would have it */
    size_t len;
    uint8_t sha256[KEY_SHA256_BYTES];
    bool was_private; /* the file has the private half too */
};

/* The first of the file, if it has several. -ENOENT, -EACCES, -EFBIG; -EBADMSG: no key in it that
 * can be read; -ENOKEY: a private key with a passphrase. */
MQTT_NODISCARD int public_key_load(const char *path, struct public_key *out,
                                   struct pki_fault *fault);
void public_key_fini(struct public_key *key);

struct mqtt_span public_key_span(const struct public_key *key); /* borrowed */
