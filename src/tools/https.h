/* SPDX-License-Identifier: Apache-2.0 */
/* One request over HTTPS and its answer, with the transport that the device's client has: a TLS
 * library less in the tool, and one opinion less about which certificates are good.
 *
 * HTTP/1.1 as far as enrolment needs it: an answer says its length or ends with the connection. */
#pragma once

#include "base/attrs.h"

#include <stddef.h>
#include <stdint.h>

#define HTTPS_REPLY_MAX_BYTES (256 * 1024)
#define HTTPS_ERROR_SIZE      320

struct https_request {
    const char *host;
    uint16_t port;
    const char *path;
    const char *ca_file;          /* PEM; NULL: the server is NOT verified, and nothing is sent
                                     but the path */
    const char *certificate_file; /* PEM; NULL: none is shown */
    const char *key_file;         /* its place (keystore/device_key.h) */
    const char *authorization;    /* value of the header, a secret; NULL: none */
    const char *type;             /* of the body */
    const char *body;             /* NULL: GET; else POST */
    uint32_t timeout_ms;          /* for everything */
};

struct https_reply {
    unsigned status;
    unsigned wait_s; /* of Retry-After; 0: none */
    int64_t date_s;  /* the server's clock when it answered, since 1970; 0: it does not say */
    char *body;      /* NUL-terminated, from malloc */
    size_t len;
};

/* -EKEYREJECTED: the server is not who it should be, or does not like our certificate;
 * -EHOSTUNREACH: no connection; -ETIMEDOUT; -EPROTO: that was no answer; -ENOMEM; -EINVAL: a file
 * cannot be used. One line about it in `error` of HTTPS_ERROR_SIZE bytes. */
MQTT_NODISCARD int https_ask(const struct https_request *request, struct https_reply *out,
                             char *error);
void https_reply_fini(struct https_reply *reply);
