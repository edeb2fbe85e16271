/* SPDX-License-Identifier: Apache-2.0 */
/* What a command that signs needs to know: where the CA's key is, and who has its passphrase. From
 * --passphrase-file, the ca block of the broker's configuration, systemd's credential, and the
 * person at the terminal. Owner: the thread of the command. */
#pragma once

#include "config/config.h"
#include "pki/ca_keyring.h"
#include "tools/identity_options.h"

struct signing {
    struct ca_access access;
    struct config *config; /* NULL: there is none that can be read */
};

/* What is wrong with the configuration is said on standard error; the key is looked for in the
 * state folder then. signing_close() in any case. */
void signing_open(const struct identity_options *options, struct signing *out);
void signing_close(struct signing *signing);
