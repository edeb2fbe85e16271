/* SPDX-License-Identifier: Apache-2.0 */
/* Who may come in, and as whom: the admission port of the core.
 *
 * Pure: facts of the connection, the CONNECT, the registry and the policy in, verdict
 * out. A certificate speaks for the identity that the registry knows under its URI and
 * with its very key, as long as it is active there; user names and passwords speak for
 * nobody in this version. Asked after every handshake, full or resumed. */
#pragma once

#include "config/config.h"
#include "core/ports.h"
#include "pki/registry_view.h"

/* Borrowed; what one shard decides by at the moment. */
struct admission_rules {
    const struct config *config;
    const struct registry_view *registry; /* NULL: there is none; nobody is known */
    const char *trust_domain;             /* of our CA; "" when there is none */
    struct registry *newcomers; /* asked for those the view does not know yet; NULL: nobody is */
    struct registry_entry newcomer;     /* scratch: its last answer */
    char name[IDENTITY_NAME_BYTES + 1]; /* scratch: the name in the last answer */
};

/* `request->facts` is a struct connection_facts. Names in the answer are borrowed from the
 * rules until the next call. */
enum admission admission_decide(struct admission_rules *rules,
                                const struct admission_request *request,
                                struct admission_answer *out);

/* The role that an identity has under these rules; NULL: none any more. */
const struct role *admission_find_role(const struct admission_rules *rules,
                                       const struct identity *identity);
