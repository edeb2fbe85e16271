/* SPDX-License-Identifier: Apache-2.0 */
/* The key of a device, wherever it is kept. It is named by its *place*: "pkcs11:…", "tpm:HANDLE", or
 * a file, whose content says what it is:
 *
 *     PRIVATE KEY (PEM)         the key itself, for everybody who can read the file
 *     TACIT SEALED KEY (PEM)    sealed to this machine (sealed_key.h)
 *     TSS2 PRIVATE KEY (PEM)    an object that one TPM can load
 *     pkcs11:… or tpm:…         one line: it is in the token, or at that handle of the TPM
 *
 * So a device's key has always a file of its own, and to put another key in its place is to rename a
 * file, also when it moves to hardware. docs/device-keys.md. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/identity_extension.h"
#include "pki/key.h"

#include <stdbool.h>
#include <tacit/posix.h>

/* Where a new key is to be. Strings are borrowed. */
struct device_key_store {
    enum key_protection protection;
    const char *uri; /* "pkcs11:…" or "tpm:HANDLE"; NULL: a file has it */
};

/* "file", "sealed", "tpm", "tpm:0x81000010", "pkcs11:…". -EINVAL: another word. */
MQTT_NODISCARD int device_key_parse_store(const char *text, struct device_key_store *out);

/* Of what is there, without opening it. -ENOENT; -EACCES; -EPERM: others can read the file; -EBADMSG:
 * it is no key. */
MQTT_NODISCARD int device_key_protection(const char *place, enum key_protection *out,
                                         struct pki_fault *fault);

/* The same store again, for the next key. `room` keeps what it borrows. */
#define DEVICE_KEY_PLACE_SIZE 1024
MQTT_NODISCARD int device_key_same_store(const char *place, char room[DEVICE_KEY_PLACE_SIZE],
                                         struct device_key_store *out, struct pki_fault *fault);

/* Makes a key in the store and the file that has it or says where it is. `is_other`: also where
 * the store has a key of that name. -EEXIST: there is a file, which is left alone. Errors of the
 * stores. */
MQTT_NODISCARD int device_key_create(const struct device_key_store *store, bool is_other,
                                     const char *path, struct pki_fault *fault);

/* Is there a TPM that this user can ask? Then it seals. Does not talk to it. */
bool device_key_has_tpm(void);

/* The key of a file, plain or sealed, sealed into another file: the same key. -EEXIST: there is one,
 * which is left alone; -ENOTSUP: it is not of P-256, or in hardware, which gives none out; errors of
 * device_key_load() and sealed_key_close(). */
MQTT_NODISCARD int device_key_seal(const char *from, const char *path, struct pki_fault *fault);

/* To sign requests with and to compare. Errors of the stores; those of key_load() for a file. */
MQTT_NODISCARD int device_key_load(const char *place, struct key **out, struct pki_fault *fault);

/* tacit_tls_new() with options->key_file as a place. */
struct tacit_tls *device_key_tls_new(const struct tacit_tls_options *options, char *error,
                                     size_t error_size);

/* The hook of a key that is not a plain file; for a plain one out->sign is NULL, and the TLS library
 * reads the file itself, of whatever algorithm it is. */
MQTT_NODISCARD int device_key_hook(const char *place, struct tacit_key *out,
                                   struct pki_fault *fault);
