/* SPDX-License-Identifier: Apache-2.0 */
/* Which broker, as whom, and whether encrypted: decided from options and profile. */
#pragma once

#include "tools/options.h"
#include "tools/profile.h"

#include <tacit/posix.h>

struct target {
    struct profile profile; /* all zero without one */
    const char *host;
    uint16_t port;
    bool encrypted;
    const char *ca_file; /* NULL: the CAs the system trusts */
    const char *certificate_file;
    const char *key_file;
    char client_id[256];
    char password[1024]; /* what --password-file or -P gave; "" if none */
};

/* Plaintext is only for the loopback, or by --insecure-plaintext. Without --as, -h and
 * --cafile the default profile counts, if there is one. Complains itself. */
MQTT_NODISCARD enum exit_code target_decide(struct target *out, const struct options *options);

/* The TLS set-up of a target that is encrypted; NULL after a complaint. */
struct tacit_tls *target_tls_new(const struct target *target, const struct options *options);
