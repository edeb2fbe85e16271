/* SPDX-License-Identifier: Apache-2.0 */
/* A private key, P-256. On disk it is PKCS#8 PEM in a file of mode 0600; it is never printed
 * and never leaves this object otherwise. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

#include <stdint.h>

#define KEY_SHA256_BYTES 32

struct key;
struct evp_pkey_st;

MQTT_NODISCARD int key_generate(struct key **out, struct pki_fault *fault);
void key_free(struct key *key); /* wipes; NULL is fine */

/* -ENOENT; -EACCES; -EPERM: others may read the file; -EBADMSG: not a usable key. */
MQTT_NODISCARD int key_load(const char *path, struct key **out, struct pki_fault *fault);

/* -EEXIST: there is a file of that name, which is left alone. */
MQTT_NODISCARD int key_save(const struct key *key, const char *path, struct pki_fault *fault);

/* key_load(), or key_generate() and key_save() when there is no such file. */
MQTT_NODISCARD int key_load_or_create(const char *path, struct key **out, struct pki_fault *fault);

/* SHA-256 of the SubjectPublicKeyInfo in DER, the name a key has in the registry. */
MQTT_NODISCARD int key_sha256(const struct key *key, uint8_t out[KEY_SHA256_BYTES]);

/* The OpenSSL object, borrowed, for the other files of this layer. */
struct evp_pkey_st *key_handle(const struct key *key);
