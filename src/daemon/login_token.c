/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/login_token.h"

#include "codec/packet.h"
#include "daemon/expiry.h"
#include "daemon/names.h"
#include "daemon/token_keys.h"

#include <time.h>

/* It would be given what is granted to the owner of the name. */
static const char *objection(const struct admission_rules *rules,
                             const struct admission_request *request,
                             const struct jwt_claims *claims)
{
    const struct mqtt_connect *connect = request->connect;
    const struct mqtt_span name = span_of(claims->name);

    if (connect != NULL && connect->has_user_name && connect->user_name.len > 0
        && !span_equal(connect->user_name, name))
        return "the token is for another user name";
    if ((rules->registry != NULL && registry_view_find(rules->registry, name) != NULL)
        || account_view_find(rules->accounts, name) != NULL)
        return "the registry has a device or an account of the token's name";
    if (admission_was_renamed(rules, claims->name))
        return "the registry had a device of the token's name, which is called otherwise now";
    return NULL;
}

static enum admission admit(struct admission_rules *rules, const struct config_listener *listener,
                            const struct config_tokens *tokens,
                            const struct admission_request *request, struct admission_answer *out)
{
    const struct jwt_claims *claims = &rules->claims;
    const struct identity identity = {
        .device = claims->name,
        .tenant = name_or_none(claims->tenant),
        .site = name_or_none(claims->site),
        .role = tokens->role != NULL ? tokens->role : claims->role,
        .proved = true,
    };
    const char *why = objection(rules, request, claims);
    int64_t left_s = claims->expires_s - (int64_t)time(NULL);

    if (why != NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, why);
    if (!listener->client_ids_are_free
        && admission_takes_anothers_name(rules, request, claims->name))
        return admission_refuse(out, MQTT_CLIENT_IDENTIFIER_NOT_VALID, ANOTHERS_NAME);
    const struct role *role = policy_find_role(rules->policy, identity.role);
    if (role == NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED,
                                "the token's role is not defined in the broker's configuration");
    if (expiry_set(rules->expiry, request->facts, request->client,
                   left_s > 0 ? (uint64_t)left_s * 1000 : 0)
        != 0)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, "out of memory");
    *out = (struct admission_answer){ .identity = identity,
                                      .role = role,
                                      .client_id_is_bound = !listener->client_ids_are_free };
    return ADMISSION_ALLOW;
}

enum admission login_by_token(struct admission_rules *rules, const struct config_listener *listener,
                              const struct admission_request *request, struct mqtt_span token,
                              struct admission_answer *out)
{
    const char *why = "tokens are not accepted here";

    for (size_t i = 0; i < listener->token_count; i++) {
        const struct config_tokens *tokens = &listener->tokens[i];
        const struct jwt_key *key = token_keys_find(rules->keys, rules->config, listener, i);
        const struct jwt_rules wanted = { .issuer = tokens->issuer,
                                          .audience = tokens->audience,
                                          .name_claim = tokens->name_claim,
                                          .role_claim = tokens->role_claim,
                                          .tenant_claim = tokens->tenant_claim,
                                          .site_claim = tokens->site_claim };
        if (jwt_verify(key, &wanted, token, (int64_t)time(NULL), &rules->claims, &why) == 0)
            return admit(rules, listener, tokens, request, out);
    }
    return admission_refuse(out, MQTT_NOT_AUTHORIZED, why);
}
