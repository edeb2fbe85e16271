/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission.h"

#include "net/facts.h"
#include "pki/identity_uri.h"

#include <string.h>

/* Reason codes of MQTT 5.0, section 2.4. */
#define BAD_USER_NAME_OR_PASSWORD 0x86
#define NOT_AUTHORIZED            0x87
#define BAD_AUTHENTICATION_METHOD 0x8c

static enum admission refuse(struct admission_answer *out, uint8_t reason, const char *text)
{
    *out = (struct admission_answer){ .reason = reason, .reason_text = text };
    return ADMISSION_REFUSE;
}

static const struct config_listener *find_listener(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (strcmp(config->listeners[i].name, name) == 0)
            return &config->listeners[i];
    }
    return NULL;
}

static const char *or_none(const char *name)
{
    return name[0] != '\0' ? name : NULL;
}

/* ---- anonymous ---- */

static enum admission admit_anonymous(const struct admission_rules *rules,
                                      const struct config_listener *listener,
                                      const struct admission_request *request,
                                      struct admission_answer *out)
{
    if (listener->anonymous_role == NULL) {
        const struct mqtt_connect *connect = request->connect;
        bool has_password = connect != NULL && (connect->has_user_name || connect->has_password);
        return has_password ? refuse(out, BAD_USER_NAME_OR_PASSWORD,
                                     "user names and passwords are not accepted here; use a "
                                     "client certificate")
                            : refuse(out, NOT_AUTHORIZED,
                                     "this listener lets nobody in without a client certificate");
    }
    *out = (struct admission_answer){
        .identity = { .role = listener->anonymous_role },
        .role = policy_find_role(rules->config->policy, listener->anonymous_role),
    };
    return ADMISSION_ALLOW;
}

/* ---- certificates ---- */

static const char *const status_reasons[REGISTRY_STATUS_COUNT] = {
    [REGISTRY_REVOKED] = "this device has been revoked",
    [REGISTRY_SUSPENDED] = "this device is suspended",
    [REGISTRY_RETIRED] = "this device has been taken out of service",
};

static const char *objection(const struct registry_view_entry *entry,
                             const struct identity_uri *uri, const struct tls_peer *peer)
{
    _Static_assert(REGISTRY_KEY_BYTES == TLS_FINGERPRINT_BYTES, "both are SHA-256 of the key");

    if (entry == NULL)
        return "this device is not in the registry; add it with tacit device add";
    if (entry->kind != uri->kind)
        return "the certificate names another kind of identity than the registry";
    if (memcmp(entry->key_sha256, peer->key_fingerprint, REGISTRY_KEY_BYTES) != 0)
        return "the certificate's key is not the one registered for this device";
    if (entry->status >= REGISTRY_STATUS_COUNT)
        return "the registry does not say that this device is active";
    return status_reasons[entry->status];
}

/* A device that was added a moment ago comes in at once: the view follows the registry a little
 * later. One query, and only for a certificate of our own CA. */
static const struct registry_view_entry *
find_newcomer(struct admission_rules *rules, const char *name, struct registry_view_entry *out)
{
    const struct registry_entry *found = &rules->newcomer;

    if (rules->newcomers == NULL
        || registry_find(rules->newcomers, name, &rules->newcomer, NULL) != 0)
        return NULL;
    *out = (struct registry_view_entry){
        .name = found->name,
        .role = found->role,
        .tenant = found->tenant,
        .site = found->site,
        .kind = found->kind,
        .status = found->status,
        .not_after_s = found->certificate.not_after_s,
    };
    memcpy(out->key_sha256, found->key_sha256, sizeof(out->key_sha256));
    return out;
}

static enum admission admit_registered(struct admission_rules *rules,
                                       const struct config_listener *listener,
                                       const struct identity_uri *uri, const struct tls_peer *peer,
                                       struct admission_answer *out)
{
    const struct registry_view_entry *entry =
        rules->registry == NULL ? NULL : registry_view_find(rules->registry, span_of(uri->name));
    struct registry_view_entry newcomer;
    if (entry == NULL)
        entry = find_newcomer(rules, uri->name, &newcomer);
    const char *why = objection(entry, uri, peer);
    if (why != NULL)
        return refuse(out, NOT_AUTHORIZED, why);

    const struct role *role = policy_find_role(rules->config->policy, entry->role);
    if (role == NULL)
        return refuse(out, NOT_AUTHORIZED,
                      "the device's role is not defined in the broker's configuration");
    *out = (struct admission_answer){
        .identity = { .device = entry->name,
                      .tenant = or_none(entry->tenant),
                      .site = or_none(entry->site),
                      .role = entry->role,
                      .proved = true },
        .role = role,
        .client_id_is_bound = !listener->client_ids_are_free,
    };
    return ADMISSION_ALLOW;
}

/* A certificate of a CA that the operator trusts, but of which the registry knows nothing. */
static enum admission admit_foreign(struct admission_rules *rules,
                                    const struct config_listener *listener,
                                    const struct tls_peer *peer, struct admission_answer *out)
{
    if (listener->certificate_role == NULL)
        return refuse(out, NOT_AUTHORIZED,
                      "the certificate carries no identity of this broker; add the device with "
                      "tacit device add");
    if (!identity_name_is_valid(peer->common_name))
        return refuse(out, NOT_AUTHORIZED,
                      "the certificate's common name cannot stand for a device");
    memcpy(rules->name, peer->common_name, strlen(peer->common_name) + 1);
    *out = (struct admission_answer){
        .identity = { .device = rules->name, .role = listener->certificate_role, .proved = true },
        .role = policy_find_role(rules->config->policy, listener->certificate_role),
        .client_id_is_bound = !listener->client_ids_are_free,
    };
    return ADMISSION_ALLOW;
}

static bool find_our_uri(const struct admission_rules *rules, const struct tls_peer *peer,
                         struct identity_uri *out)
{
    if (rules->trust_domain[0] == '\0')
        return false;
    for (size_t i = 0; i < peer->uri_count; i++) {
        struct identity_uri uri;
        if (identity_uri_parse(span_of(peer->uris[i]), &uri) != 0
            || strcmp(uri.trust_domain, rules->trust_domain) != 0)
            continue;
        *out = uri;
        return true;
    }
    return false;
}

enum admission admission_decide(struct admission_rules *rules,
                                const struct admission_request *request,
                                struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    const struct config_listener *listener = find_listener(rules->config, facts->listener);
    struct identity_uri uri;

    if (listener == NULL)
        return refuse(out, NOT_AUTHORIZED, "this listener has just been removed");
    /* [MQTT-4.12.0-1] an authentication method that is not supported. */
    if (request->method.len > 0)
        return refuse(out, BAD_AUTHENTICATION_METHOD,
                      "this authentication method is not offered; use a client certificate");
    if (facts->peer == NULL)
        return admit_anonymous(rules, listener, request, out);
    if (find_our_uri(rules, facts->peer, &uri))
        return admit_registered(rules, listener, &uri, facts->peer, out);
    return admit_foreign(rules, listener, facts->peer, out);
}

const struct role *admission_find_role(const struct admission_rules *rules,
                                       const struct identity *identity)
{
    if (identity->role == NULL)
        return NULL;
    const struct role *role = policy_find_role(rules->config->policy, identity->role);
    if (role == NULL || identity->device == NULL || rules->registry == NULL)
        return role;
    const struct registry_view_entry *entry =
        registry_view_find(rules->registry, span_of(identity->device));
    bool is_barred = entry != NULL && entry->status != REGISTRY_ACTIVE;
    return is_barred ? NULL : role;
}
