/* SPDX-License-Identifier: Apache-2.0 */
/* A certificate request (PKCS#10): the device's public key and the proof that it has the
 * private one. Of what the device asks for nothing else counts: name and rights come from the
 * registry, never from the request. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/der.h"
#include "pki/fault.h"
#include "pki/identity_extension.h"
#include "pki/key.h"

#include <stddef.h>
#include <stdint.h>

#define CSR_MAX_BYTES 16384 /* of a request in PEM or DER; larger ones are refused */

struct csr;
struct X509_req_st;

/* A request signed by `key` with `name` as its common name. */
MQTT_NODISCARD int csr_new(const struct key *key, const char *name, struct csr **out,
                           struct pki_fault *fault);

/* The same, declaring how the key is kept (csr_protection.h). */
MQTT_NODISCARD int csr_new_declaring(const struct key *key, const char *name,
                                     enum key_protection protection, struct csr **out,
                                     struct pki_fault *fault);
void csr_free(struct csr *csr); /* NULL is fine */

/* From PEM or DER. -EBADMSG: not a request, or its signature does not verify; -EKEYREJECTED:
 * something is known to be wrong with the key (keycheck/keycheck.h), and what it is. */
MQTT_NODISCARD int csr_parse(struct mqtt_span bytes, struct csr **out, struct pki_fault *fault);
MQTT_NODISCARD int csr_load(const char *path, struct csr **out, struct pki_fault *fault);

/* The same, of a request that csr_parse() has accepted elsewhere: what takes milliseconds to find
 * wrong with a key is not looked for again. DER only. */
MQTT_NODISCARD int csr_parse_again(struct mqtt_span der, struct csr **out, struct pki_fault *fault);

/* -ENOMEM. */
MQTT_NODISCARD int csr_encode_der(const struct csr *csr, struct der *out);

/* The request in PEM, NUL-terminated, from malloc; free() it. */
MQTT_NODISCARD int csr_encode(const struct csr *csr, char **out, struct pki_fault *fault);

MQTT_NODISCARD int csr_key_sha256(const struct csr *csr, uint8_t out[KEY_SHA256_BYTES]);

/* The key's SubjectPublicKeyInfo in DER, borrowed. */
struct mqtt_span csr_spki(const struct csr *csr);

/* The common name that it asks for, to `out` of `size` bytes. -ENOENT: it asks for none; -EINVAL:
 * for several, or for one that is no text or too long. */
MQTT_NODISCARD int csr_common_name(const struct csr *csr, char *out, size_t size);

/* "EC P-256", "RSA 3072", "ED25519"; cut to `size` (at least 1). */
void csr_algorithm(const struct csr *csr, char *out, size_t size);

/* The OpenSSL object, borrowed, for the other files of this layer. */
struct X509_req_st *csr_handle(const struct csr *csr);
