/* SPDX-License-Identifier: Apache-2.0 */
/* What `tacit enroll` says to the server and what comes back. Functions complain themselves, on
 * standard error, and return an exit code. */
#pragma once

#include "base/attrs.h"
#include "pki/bundle.h"
#include "pki/csr.h"
#include "tools/enroll_options.h"

#include <stdint.h>

#define ENROLL_EXCHANGE_ROOT       "/.well-known/est/"
#define ENROLL_EXCHANGE_TIMEOUT_MS 20000

/* The authorities of the server, of which the one with that SHA-256 (in hex) proves the others. */
MQTT_NODISCARD enum enroll_exit enroll_exchange_authorities(const char *host, uint16_t port,
                                                            const char *sha256_hex,
                                                            struct bundle **out);

struct https_reply;

/* The first line of what the server gave as its reason, as a terminal can take it. */
#define ENROLL_EXCHANGE_REASON_SIZE 400
void enroll_exchange_reason(const struct https_reply *reply, char out[ENROLL_EXCHANGE_REASON_SIZE]);

struct enroll_call {
    const char *host;
    uint16_t port;
    const char *operation;        /* "simpleenroll" or "simplereenroll" */
    const char *authority_file;   /* by which the server is verified */
    const char *certificate_file; /* that is shown; NULL: none */
    const char *key_file;
    const char *token; /* NULL: none */
};

/* Sends the request; waits and sends it again while the server is too busy to look at it. */
MQTT_NODISCARD enum enroll_exit enroll_exchange_sign(const struct enroll_call *call,
                                                     const struct csr *csr,
                                                     struct certificate **out);
