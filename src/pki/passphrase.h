/* SPDX-License-Identifier: Apache-2.0 */
/* A passphrase: read from a file, wiped when done, never printed. It comes from nowhere else but a
 * file or a person: arguments and environment are for everybody to see. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "pki/fault.h"

#include <stddef.h>

#define PASSPHRASE_MAX_BYTES 1023 /* OpenSSL reads no longer one */
#define PASSPHRASE_MIN_BYTES 8    /* of a new one */

struct passphrase {
    size_t len;
    char text[PASSPHRASE_MAX_BYTES + 1]; /* not terminated */
};

void passphrase_fini(struct passphrase *passphrase); /* wipes */

/* -EINVAL: empty or longer than PASSPHRASE_MAX_BYTES. */
MQTT_NODISCARD int passphrase_set(const char *text, size_t len, struct passphrase *out);

/* The first line of the file. -EPERM: others can read it; -EINVAL as passphrase_set(). */
MQTT_NODISCARD int passphrase_load(const char *path, struct passphrase *out,
                                   struct pki_fault *fault);

/* The credential of that name that systemd has handed to this service. -ENOENT: there is none. */
MQTT_NODISCARD int passphrase_load_credential(const char *name, struct passphrase *out,
                                              struct pki_fault *fault);

/* Long enough to be a new one? -EINVAL. */
MQTT_NODISCARD int passphrase_check_new(const struct passphrase *passphrase,
                                        struct pki_fault *fault);
