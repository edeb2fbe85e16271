/* SPDX-License-Identifier: Apache-2.0 */
/* A private key. On disk it is PKCS#8 PEM in a file of mode 0600, under a passphrase or not; it
 * is never printed and never leaves this object otherwise. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/passphrase.h"

#include <stdbool.h>
#include <stdint.h>

#define KEY_SHA256_BYTES 32
#define KEY_ROUNDS       600000 /* of PBKDF2; a guess costs a tenth of a second */

struct key;
struct evp_pkey_st;

enum key_algorithm {
    KEY_P256 = 0,
    KEY_ED25519,
    KEY_ALGORITHM_COUNT, /* what is made here; other kinds can be loaded */
};

/* "p256", "ed25519". -EINVAL: another word. */
const char *key_algorithm_text(enum key_algorithm algorithm);
MQTT_NODISCARD int key_algorithm_parse(const char *text, enum key_algorithm *out);

/* KEY_ALGORITHM_COUNT: neither. */
enum key_algorithm key_algorithm_of(const struct key *key);

MQTT_NODISCARD int key_generate(struct key **out, struct pki_fault *fault); /* P-256 */
MQTT_NODISCARD int key_generate_as(enum key_algorithm algorithm, struct key **out,
                                   struct pki_fault *fault);
void key_free(struct key *key); /* wipes; NULL is fine */

/* Takes over an OpenSSL object, for the other files of this layer. -ENOMEM: it is freed. */
MQTT_NODISCARD int key_take(struct evp_pkey_st *handle, struct key **out);

/* -ENOENT; -EACCES; -EPERM: others may read the file; -EBADMSG: not a usable key; -ENOKEY: it is
 * under a passphrase. */
MQTT_NODISCARD int key_load(const char *path, struct key **out, struct pki_fault *fault);

/* The same for a file that may be under that passphrase, NULL: none. -EKEYREJECTED: it is not
 * the one. */
MQTT_NODISCARD int key_load_with(const char *path, const struct passphrase *passphrase,
                                 struct key **out, struct pki_fault *fault);

/* Is the file under a passphrase? -ENOENT, -EACCES, -EPERM as key_load(). */
MQTT_NODISCARD int key_is_sealed(const char *path, bool *out, struct pki_fault *fault);

/* -EEXIST: there is a file of that name, which is left alone. */
MQTT_NODISCARD int key_save(const struct key *key, const char *path, struct pki_fault *fault);

/* The same under the passphrase (PBES2: PBKDF2 with HMAC-SHA-256, KEY_ROUNDS rounds, AES-256);
 * NULL: without. */
MQTT_NODISCARD int key_save_with(const struct key *key, const struct passphrase *passphrase,
                                 const char *path, struct pki_fault *fault);

/* Seals (NULL: unseals) the key in the file. The old file stays until the new one has reached the
 * disk; what it held is then overwritten, as far as the file system lets it. */
MQTT_NODISCARD int key_replace(const struct key *key, const struct passphrase *passphrase,
                               const char *path, struct pki_fault *fault);

/* key_load(), or key_generate() and key_save() when there is no such file. */
MQTT_NODISCARD int key_load_or_create(const char *path, struct key **out, struct pki_fault *fault);
MQTT_NODISCARD int key_load_or_create_as(const char *path, enum key_algorithm algorithm,
                                         struct key **out, struct pki_fault *fault);

/* SHA-256 of the SubjectPublicKeyInfo in DER, the name a key has in the registry. */
MQTT_NODISCARD int key_sha256(const struct key *key, uint8_t out[KEY_SHA256_BYTES]);

/* The OpenSSL object, borrowed, for the other files of this layer. */
struct evp_pkey_st *key_handle(const struct key *key);
