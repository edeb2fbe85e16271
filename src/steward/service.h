/* SPDX-License-Identifier: Apache-2.0 */
/* What the steward does all day: it has the key of the CA, and answers one request after the other.
 *
 * What can be asked of it is in kinds.def:
 *
 *   PREPARE  renew the server certificate if it is time
 *   OPEN     the certificate of the CA that signs, its key being found now
 *   SHOW     copy the CA's certificates to where the other process can see them
 *   ISSUE    a certificate for an identity: a kind, a name, a request and days. Everything else in it,
 *            issuer, trust domain, times, serial number, use, is made here
 *   LIST     a revocation list
 *   VOUCH    a statement about a server certificate
 *   READ     a file of the configuration that was named at the start
 *
 * What is refused is refused with a reason, and the next request is awaited. Owner: the steward's
 * only thread. */
#pragma once

#include "base/attrs.h"
#include "pki/ca_keyring.h"
#include "pki/fault.h"
#include "steward/message.h"

#include <stddef.h>

struct steward_service;

/* All borrowed, for as long as the service lives. */
struct steward_options {
    const char *state_dir;
    const struct ca_access *access;
    const char *const *files; /* that READ may read */
    size_t file_count;
    /* As in struct settings_files; `context` may be NULL. */
    int (*read)(void *context, const char *path, char **out_text, size_t *out_len);
    void *context;
};

/* NULL: no memory. */
MQTT_NODISCARD struct steward_service *steward_service_new(const struct steward_options *options);
void steward_service_free(struct steward_service *service); /* wipes keys; NULL is fine */

/* Finds the key and remembers the number of the last revocation list; to be done once while
 * everything can be read. Negative errno: nothing is signed until OPEN finds it. */
MQTT_NODISCARD int steward_service_open(struct steward_service *service, struct pki_fault *fault);

/* The answer to one request. -ENOMEM: there is none. */
MQTT_NODISCARD int steward_service_answer(struct steward_service *service,
                                          const struct steward_message *request,
                                          struct steward_message *out);

/* Answers until the other end is gone or says what it may not: 0 or a negative errno. */
MQTT_NODISCARD int steward_service_serve(struct steward_service *service, int fd);
