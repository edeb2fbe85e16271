/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_foreign.h"

#include "codec/packet.h"
#include "daemon/assignment.h"
#include "net/facts.h"
#include "pki/identity_uri.h"

#include <string.h>

static const char *foreign_objection(const struct admission_rules *rules,
                                     const struct tls_peer *peer, const char *role)
{
    if (role == NULL)
        return "the certificate carries no identity of this broker; add the device with "
               "tacit device add";
    if (!identity_name_is_valid(peer->common_name))
        return "the certificate's common name cannot stand for a device";
    /* It would be given what the registry grants to its owner. */
    if (rules->registry != NULL
        && registry_view_find(rules->registry, span_of(peer->common_name)) != NULL)
        return "the registry has a device of this name, with another certificate";
    if (account_view_find(rules->accounts, span_of(peer->common_name)) != NULL)
        return "the registry has an account of this name";
    if (admission_was_renamed(rules, peer->common_name))
        return "the registry had a device of this name, which is called otherwise now";
    return NULL;
}

enum admission admission_foreign_decide(struct admission_rules *rules,
                                        const struct config_listener *listener,
                                        const struct admission_request *request,
                                        struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    const struct tls_peer *peer = facts->peer;
    const struct config_assign *assign = assignment_find(rules->config, peer);
    const char *role = assign != NULL ? assign->role : listener->certificate_role;
    const char *why = foreign_objection(rules, peer, role);
    if (why != NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, why);
    if (!listener->client_ids_are_free
        && admission_takes_anothers_name(rules, request, peer->common_name))
        return admission_refuse(out, MQTT_CLIENT_IDENTIFIER_NOT_VALID, ANOTHERS_NAME);
    memcpy(rules->name, peer->common_name, strlen(peer->common_name) + 1);
    *out = (struct admission_answer){
        .identity = { .device = rules->name,
                      .tenant = assign != NULL ? assign->tenant : NULL,
                      .site = assign != NULL ? assign->site : NULL,
                      .role = role,
                      .proved = true },
        .role = policy_find_role(rules->policy, role),
        .client_id_is_bound = !listener->client_ids_are_free,
    };
    return ADMISSION_ALLOW;
}
