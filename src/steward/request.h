/* SPDX-License-Identifier: Apache-2.0 */
/* The bodies of requests that have one. `by` is the SHA-256 of the certificate of the CA that is to
 * sign. Owner: one thread. */
#pragma once

#include "base/attrs.h"
#include "base/span.h"
#include "pki/ca.h"
#include "pki/crl_list.h"
#include "pki/identity_extension.h"
#include "steward/message.h"

#include <stdbool.h>
#include <stdint.h>

#define STEWARD_BY_BYTES 32

/* A certificate for an identity. */
struct steward_issue {
    uint8_t by[STEWARD_BY_BYTES];
    enum identity_kind kind;
    unsigned days; /* 0: as usual */
    char name[IDENTITY_URI_NAME_SIZE];
    bool has_extension;
    struct identity_extension extension;
    struct mqtt_span csr; /* DER, borrowed from the body */
};

/* -EINVAL: the extension cannot be written; -ENOMEM; -E2BIG. */
MQTT_NODISCARD int steward_issue_encode(const uint8_t by[STEWARD_BY_BYTES],
                                        const struct ca_identity_request *request,
                                        struct steward_message *out);
/* -EBADMSG. The name is any text. */
MQTT_NODISCARD int steward_issue_decode(struct mqtt_span body, struct steward_issue *out);

/* A revocation list. -E2BIG: too many entries for one message. */
MQTT_NODISCARD int steward_list_encode(const uint8_t by[STEWARD_BY_BYTES],
                                       const struct crl_entries *entries,
                                       struct steward_message *out);
/* -EBADMSG; -ENOMEM. `out` is to be given back with crl_entries_fini(). */
MQTT_NODISCARD int steward_list_decode(struct mqtt_span body, uint8_t out_by[STEWARD_BY_BYTES],
                                       struct crl_entries *out);

/* That a certificate of a server is good. -ENOMEM; -E2BIG. */
MQTT_NODISCARD int steward_vouch_encode(const uint8_t by[STEWARD_BY_BYTES],
                                        const struct certificate *server,
                                        struct steward_message *out);
/* -EBADMSG; -ENOMEM. */
MQTT_NODISCARD int steward_vouch_decode(struct mqtt_span body, uint8_t out_by[STEWARD_BY_BYTES],
                                        struct certificate **out);
