/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that a PKCS#11 token keeps (RFC 7512 names them): it signs, and gives no key out. Through
 * the engine of libengine-pkcs11-openssl, which reaches what p11-kit knows. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"
#include "pki/key.h"
#include "pki/passphrase.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Is it a name that can stand in a configuration: "pkcs11:…", with pin-source=file:/PATH or without
 * a PIN, never with the PIN itself? */
bool pkcs11_uri_is_valid(const char *uri);

/* Does the name say where the PIN is? */
bool pkcs11_uri_has_pin(const char *uri);

/* The file of that PIN; false: the name is none, or says nothing of a file. */
bool pkcs11_uri_pin_path(const char *uri, char out[PATH_MAX]);

/* The value of an attribute, such as "token", "object", "id" or "module-path", decoded, which may
 * have any bytes in it, to `out` of `size` bytes. -ENOENT: the name does not have it; -EINVAL: it is
 * longer, or not encoded as RFC 7512 says. */
MQTT_NODISCARD int pkcs11_uri_attribute(const char *uri, const char *attribute, uint8_t *out,
                                        size_t size, size_t *out_len);

/* `pin` NULL: from the file that the name gives, or none is needed. -EINVAL: no such name; -ENODEV: there is no engine, token, or key of that name in it; -EPERM:
 * others can read the file with the PIN; -ENOENT: there is none. */
MQTT_NODISCARD int pkcs11_open_key(const char *uri, const struct passphrase *pin, struct key **out,
                                   struct pki_fault *fault);
