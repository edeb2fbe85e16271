/* SPDX-License-Identifier: Apache-2.0 */
/* The revocation list of our CA (RFC 5280, CRL version 2): every certificate of the registry that is
 * revoked or on hold and has not expired. It stands in the state folder, in DER and in PEM, and
 * follows from the registry: whoever finds it to differ, or half of its time gone, makes a new one
 * with a higher number. Nothing in tacitd itself depends on it, which asks the registry.
 *
 * Thread: any; processes exclude each other by a lock on the folder. Functions return 0 or a
 * negative errno with the reason in *fault. */
#pragma once

#include "base/attrs.h"
#include "pki/ca.h"
#include "pki/fault.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRL_DAYS      7                  /* from one list until the next has to be there */
#define CRL_KEEP_S    (CRL_DAYS * 86400) /* what has expired stays on it for so long */
#define CRL_MAX_BYTES (64u << 20)

struct crl_facts {
    uint64_t number;
    int64_t this_update_s;
    int64_t next_update_s;
    size_t count; /* of certificates on it */
};

/* Does the list in the state folder say what the registry says, and is less than half of its time
 * gone? The CA's key is not needed for that. `*out` is false also where there is no list. */
MQTT_NODISCARD int crl_is_current(const char *dir, struct registry *registry, int64_t now_s,
                                  bool *out, struct pki_fault *fault);

/* Makes a new one unless it is current; `*out_made` (may be NULL) tells. The files are replaced
 * whole, mode 0600. */
MQTT_NODISCARD int crl_publish(const char *dir, const struct ca *ca, struct registry *registry,
                               int64_t now_s, bool *out_made, struct pki_fault *fault);

/* What stands in a list, DER or PEM. -ENOENT; -EBADMSG: it is none. */
MQTT_NODISCARD int crl_read(const char *path, struct crl_facts *out, struct pki_fault *fault);

/* Is the certificate with this serial number, in hex, on the list? */
MQTT_NODISCARD int crl_lists(const char *path, const char *serial, bool *out,
                             struct pki_fault *fault);
