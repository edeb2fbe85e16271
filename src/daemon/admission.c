/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission.h"

#include "codec/packet.h"
#include "daemon/account_standing.h"
#include "daemon/admission_canary.h"
#include "daemon/admission_clone.h"
#include "daemon/admission_foreign.h"
#include "daemon/admission_ratchet.h"
#include "daemon/assignment.h"
#include "daemon/exchange.h"
#include "daemon/login.h"
#include "daemon/login_token.h"
#include "daemon/names.h"
#include "daemon/ratchets.h"
#include "net/facts.h"
#include "pki/holds.h"
#include "pki/identity_uri.h"
#include "pki/registry_life.h"

#include <errno.h>
#include <string.h>

const struct config_listener *admission_find_listener(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        if (strcmp(config->listeners[i].name, name) == 0)
            return &config->listeners[i];
    }
    return NULL;
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
        return has_password
                   ? admission_refuse(out, MQTT_BAD_USER_NAME_OR_PASSWORD,
                                      "user names and passwords are not accepted here; use a "
                                      "client certificate")
                   : admission_refuse(out, MQTT_NOT_AUTHORIZED,
                                      "this listener lets nobody in without a client certificate");
    }
    *out = (struct admission_answer){
        .identity = { .role = listener->anonymous_role },
        .role = policy_find_role(rules->policy, listener->anonymous_role),
    };
    return ADMISSION_ALLOW;
}

/* ---- certificates ---- */

static const char *const status_reasons[REGISTRY_STATUS_COUNT] = {
    [REGISTRY_REVOKED] = "this device has been revoked",
    [REGISTRY_SUSPENDED] = "this device is suspended",
    [REGISTRY_RETIRED] = "this device has been taken out of service",
};

#define HAS_ANOTHER_NAME "this device has another name now, and needs a certificate that carries it"

#define ANOTHERS_RATCHET "this device turns a ratchet, and none is kept here for who it is"

/* Somebody has changed the registry by hand (registry_survey()). */
#define SPOILED     "the registry's row of this device is not valid; correct it or add the device anew"
#define BLOCKED_KEY "the certificate's key is blocked; the device needs a new one"
#define BLOCKED_MODULUS \
    "the certificate's key is on a list of RSA keys that are known; the device needs a new one"

static const char *block_objection(const struct admission_rules *rules, const uint8_t *key_sha256,
                                   const uint8_t *modulus_tag)
{
    if (blocked_set_find(rules->blocked, key_sha256))
        return BLOCKED_KEY;
    return modulus_tag != NULL && blocked_set_find_modulus(rules->blocked, modulus_tag)
               ? BLOCKED_MODULUS
               : NULL;
}

static const char *key_objection(const struct admission_rules *rules, const struct tls_peer *peer)
{
    _Static_assert(TLS_MODULUS_TAG_BYTES == BLOCKED_TAG_BYTES, "it is the same tag");

    if (peer->weakness != NULL)
        return peer->weakness;
    return block_objection(rules, peer->key_fingerprint, peer->is_rsa ? peer->modulus_tag : NULL);
}

static const char *status_objection(const struct registry_view_entry *entry)
{
    if (entry->role[0] == '\0')
        return SPOILED;
    return entry->status < REGISTRY_STATUS_COUNT
               ? status_reasons[entry->status]
               : "the registry does not say that this device is active";
}

static bool is_name_or_none(const char *name)
{
    return name[0] == '\0' || identity_name_is_valid(name);
}

static const char *objection(const struct registry_view_entry *entry,
                             const struct identity_uri *uri, const struct tls_peer *peer)
{
    _Static_assert(REGISTRY_KEY_BYTES == TLS_FINGERPRINT_BYTES, "both are SHA-256 of the key");
    if (entry == NULL)
        return "this device is not in the registry; add it with tacit device add";
    if (entry->role[0] == '\0')
        return SPOILED;
    if (entry->kind != uri->kind)
        return "the certificate names another kind of identity than the registry";
    if (memcmp(entry->key_sha256, peer->key_fingerprint, REGISTRY_KEY_BYTES) != 0)
        return ADMISSION_WRONG_KEY;
    /* The registry refuses such names; a file that somebody else wrote need not. */
    if (!identity_name_is_valid(entry->name) || !is_name_or_none(entry->tenant)
        || !is_name_or_none(entry->site))
        return "the registry has a name for this device that cannot stand in a topic";
    return status_objection(entry);
}

/* One that was renamed takes its hold with it. What cannot be found out counts as held. */
static void find_hold(struct registry *registry, struct registry_view_entry *newcomer)
{
    struct registry_hold hold = { .kind = HOLD_CLONE };

    newcomer->is_held = holds_find(registry, newcomer->name, &hold, NULL) != -ENOENT;
    newcomer->is_quarantined = newcomer->is_held && hold.kind == HOLD_BEHAVIOUR;
}

/* Added, renamed or given another key a moment ago: the view does not have it yet. Two queries. */
static const struct registry_view_entry *find_newcomer(const struct admission_rules *rules,
                                                       const char *name,
                                                       struct registry_entry *found,
                                                       struct registry_view_entry *out)
{
    if (rules->newcomers == NULL || registry_find(rules->newcomers, name, found, NULL) != 0)
        return NULL;
    *out = (struct registry_view_entry){
        .name = found->name,
        .role = found->role,
        .tenant = found->tenant,
        .site = found->site,
        .kind = found->kind,
        .status = found->status,
        .protection = identity_extension_protection_of(found->protection),
        .is_attested = registry_is_attested(found),
        .not_after_s = found->certificate.not_after_s,
        .is_renamed = true, /* perhaps: then it is asked for its ratchet */
        .is_canary = admission_canary_is_marked(rules->newcomers, name),
    };
    memcpy(out->key_sha256, found->key_sha256, sizeof(out->key_sha256));
    find_hold(rules->newcomers, out);
    return out;
}

/* Borrowed from the view or written to *scratch, with its texts in *room; NULL: not in the registry.
 * `key` is what it has shown; NULL: nothing. */
static const struct registry_view_entry *find_entry(const struct admission_rules *rules,
                                                    const char *name, const uint8_t *key,
                                                    struct registry_entry *room,
                                                    struct registry_view_entry *scratch)
{
    const struct registry_view_entry *entry =
        rules->registry == NULL ? NULL : registry_view_find(rules->registry, span_of(name));
    if (entry != NULL && (key == NULL || memcmp(entry->key_sha256, key, REGISTRY_KEY_BYTES) == 0))
        return entry;
    const struct registry_view_entry *fresh = find_newcomer(rules, name, room, scratch);
    return fresh != NULL ? fresh : entry;
}

bool admission_was_renamed(const struct admission_rules *rules, const char *name)
{
    char successor[IDENTITY_URI_NAME_SIZE];

    return rules->newcomers != NULL
           && registry_find_successor(rules->newcomers, name, successor, NULL) != -ENOENT;
}

bool admission_takes_anothers_name(const struct admission_rules *rules,
                                   const struct admission_request *request, const char *device)
{
    if (request->connect == NULL || rules->registry == NULL)
        return false;
    struct mqtt_span id = request->connect->client_id;
    return !span_equal(id, span_of(device))
           && (registry_view_find(rules->registry, id) != NULL
               || account_view_find(rules->accounts, id) != NULL);
}

static enum admission refuse_anothers_name(struct admission_answer *out)
{
    return admission_refuse(out, MQTT_CLIENT_IDENTIFIER_NOT_VALID, ANOTHERS_NAME);
}

static enum admission admit_registered(struct admission_rules *rules,
                                       const struct config_listener *listener,
                                       const struct identity_uri *uri,
                                       const struct admission_request *request,
                                       struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    struct registry_view_entry newcomer;
    const struct registry_view_entry *entry =
        find_entry(rules, uri->name, facts->peer->key_fingerprint, &rules->newcomer, &newcomer);
    const char *why = objection(entry, uri, facts->peer);
    if (entry == NULL && admission_was_renamed(rules, uri->name))
        why = HAS_ANOTHER_NAME;
    if (why != NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, why);
    if (entry->is_canary && !rules->is_decoy)
        return admission_refuse(out, MQTT_SERVER_BUSY, LOST_CANARY);
    if (!listener->client_ids_are_free
        && admission_takes_anothers_name(rules, request, entry->name))
        return refuse_anothers_name(out);

    const struct identity identity = { .device = entry->name,
                                       .tenant = name_or_none(entry->tenant),
                                       .site = name_or_none(entry->site),
                                       .role = entry->role,
                                       .proved = true };
    const struct role *role = policy_find(rules->policy, &identity);
    if (role == NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED,
                                "the device's role is not defined in the broker's configuration");
    *out = (struct admission_answer){
        .identity = identity,
        .role = role,
        .client_id_is_bound = !listener->client_ids_are_free,
        .credential = admission_clone_credential(rules, facts, role, entry->kind),
        .held = admission_clone_hold(rules, entry),
    };
    return admission_ratchet_decide(rules, request, entry, out);
}

/* ---- whose certificate ---- */

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

/* ---- passwords ---- */

/* Where a password would be overheard, an account's is refused whoever may come in without. */
static bool minds_password(const struct admission_rules *rules,
                           const struct config_listener *listener,
                           const struct admission_request *request)
{
    if (rules->logins == NULL || request->connect == NULL || !request->connect->has_password)
        return false;
    return login_is_overheard(request) || listener->passwords == CONFIG_PASSWORDS_ON;
}

static bool brings_token(const struct config_listener *listener,
                         const struct admission_request *request)
{
    const struct mqtt_connect *connect = request->connect;

    return listener->token_count > 0 && connect->has_password && jwt_is_likely(connect->password);
}

static enum admission admit_by_method(struct admission_rules *rules,
                                      const struct config_listener *listener,
                                      const struct admission_request *request,
                                      struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    bool is_scram = span_equal(request->method, span_of(SCRAM_METHOD));

    if (request->exchange != NULL)
        return login_by_scram(rules, listener, request, out);
    if (facts->peer == NULL && listener->token_count > 0
        && span_equal(request->method, span_of(JWT_METHOD)))
        return login_by_token(rules, listener, request, request->data, out);
    if (facts->peer == NULL && is_scram && rules->logins != NULL
        && listener->passwords != CONFIG_PASSWORDS_OFF)
        return login_by_scram(rules, listener, request, out);
    /* [MQTT-4.12.0-1] an authentication method that is not supported. */
    return admission_refuse(out, MQTT_BAD_AUTHENTICATION_METHOD,
                            "this authentication method is not offered; use a client certificate");
}

enum policy_durability admission_find_durability(void *rules, const void *facts)
{
    const struct admission_rules *r = rules;
    const struct connection_facts *f = facts;
    const struct config_listener *listener = admission_find_listener(r->config, f->listener);

    return listener != NULL ? listener->durability : POLICY_DURABLE;
}

void admission_abandon(void *exchange)
{
    if (exchange_kind_of(exchange) == EXCHANGE_RATCHET)
        ratchets_drop(exchange);
    else
        login_abandon(exchange);
}

static enum admission admit_by_certificate(struct admission_rules *rules,
                                           const struct config_listener *listener,
                                           const struct admission_request *request,
                                           struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    struct identity_uri uri;
    const char *why = key_objection(rules, facts->peer);
    if (why != NULL)
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, why);
    if (find_our_uri(rules, facts->peer, &uri))
        return admit_registered(rules, listener, &uri, request, out);
    if (request->method.len > 0)
        return admit_by_method(rules, listener, request, out);
    return admission_foreign_decide(rules, listener, request, out);
}

/* One that is not turned must not be accepted: its device would take that for it, and go on alone. */
static bool has_ratchet_elsewhere(const struct admission_rules *rules,
                                  const struct admission_request *request)
{
    const struct connection_facts *facts = request->facts;

    return admission_ratchet_is_implied(request) && !rules->is_decoy
           && (rules->ratchets == NULL || facts->peer == NULL
               || !admission_is_ours(rules, facts->peer));
}

static enum admission decide(struct admission_rules *rules, const struct admission_request *request,
                             struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    const struct config_listener *listener =
        admission_find_listener(rules->config, facts->listener);

    if (listener == NULL) {
        if (request->exchange != NULL && !admission_ratchet_is_exchange(request))
            login_abandon(request->exchange);
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, "this listener has just been removed");
    }
    if (has_ratchet_elsewhere(rules, request))
        return admission_refuse(out, MQTT_NOT_AUTHORIZED, ANOTHERS_RATCHET);
    /* Whatever else it brings: a password that was overheard is burnt. */
    if (request->exchange == NULL && login_is_overheard(request)
        && minds_password(rules, listener, request))
        return login_by_password(rules, listener, request, out);
    if (request->method.len > 0 && !admission_ratchet_is_turned(rules, request))
        return admit_by_method(rules, listener, request, out);
    if (facts->peer == NULL && brings_token(listener, request))
        return login_by_token(rules, listener, request, request->connect->password, out);
    if (facts->peer == NULL && minds_password(rules, listener, request))
        return login_by_password(rules, listener, request, out);
    if (facts->peer == NULL)
        return admit_anonymous(rules, listener, request, out);
    return admit_by_certificate(rules, listener, request, out);
}

enum admission admission_decide(struct admission_rules *rules,
                                const struct admission_request *request,
                                struct admission_answer *out)
{
    bool is_turn = admission_ratchet_is_exchange(request); /* a log-in's is gone afterwards */
    enum admission admission = decide(rules, request, out);

    if (is_turn)
        ratchets_drop(request->exchange); /* its answer has been read, or is of no use any more */
    return admission;
}

const struct registry_view_entry *admission_find_holder(struct admission_rules *rules,
                                                        const struct tls_peer *peer,
                                                        struct registry_view_entry *scratch)
{
    struct identity_uri uri;

    return find_our_uri(rules, peer, &uri)
               ? find_entry(rules, uri.name, peer->key_fingerprint, &rules->newcomer, scratch)
               : NULL;
}

bool admission_is_ours(const struct admission_rules *rules, const struct tls_peer *peer)
{
    struct identity_uri uri;

    return find_our_uri(rules, peer, &uri);
}

/* ---- later ---- */

static const char *registered_objection(const struct registry_view_entry *entry,
                                        const struct presence_entry *present,
                                        const struct identity *identity)
{
    if (present != NULL
        && (present->is_mixed || !present->is_ours
            || memcmp(entry->key_sha256, present->key, REGISTRY_KEY_BYTES) != 0))
        return ADMISSION_WRONG_KEY;
    if (!identity_name_equal(name_or_none(entry->tenant), identity->tenant)
        || !identity_name_equal(name_or_none(entry->site), identity->site))
        return "this device was moved to another tenant or site; connect again";
    return status_objection(entry);
}

/* One of the keys that its connections have proved. */
static const char *present_objection(const struct admission_rules *rules,
                                     const struct presence_entry *present)
{
    const char *why = NULL;

    for (size_t i = 0; present != NULL && i < present->key_count && why == NULL; i++) {
        const struct presence_key *key = &present->keys[i];
        why = block_objection(rules, key->sha256, key->is_rsa ? key->modulus_tag : NULL);
    }
    return why;
}

static const char *foreign_standing_objection(const struct admission_rules *rules,
                                              const struct presence_entry *present,
                                              const struct identity *identity)
{
    if (present != NULL && present->is_ours)
        return "this device is not in the registry any more";
    if (!assignment_is_still(rules->config, identity))
        return "no certificate is given this role any more; connect again";
    return NULL;
}

/* One who is connected with a certificate of another CA is no newcomer to the registry. */
static const struct registry_view_entry *find_standing_entry(struct admission_rules *rules,
                                                             const struct presence_entry *present,
                                                             const char *device,
                                                             struct registry_view_entry *scratch)
{
    if (present == NULL || present->is_ours)
        /* Its own room: while one comes in, whose answer is in the other, others are judged. */
        return find_entry(rules, device, present != NULL ? present->key : NULL, &rules->bystander,
                          scratch);
    return rules->registry != NULL ? registry_view_find(rules->registry, span_of(device)) : NULL;
}

static void find_device_standing(struct admission_rules *rules, const struct identity *identity,
                                 struct standing *out)
{
    struct registry_view_entry newcomer;
    const struct presence_entry *present =
        rules->presence != NULL ? presence_find(rules->presence, identity->device) : NULL;
    out->barred = present_objection(rules, present);
    if (out->barred != NULL)
        return;
    const struct registry_view_entry *entry =
        find_standing_entry(rules, present, identity->device, &newcomer);
    if (entry == NULL && account_standing_find(rules, identity, present, out))
        return;
    if (entry == NULL) {
        if (admission_was_renamed(rules, identity->device))
            out->barred = HAS_ANOTHER_NAME;
        else if (present != NULL || !account_standing_may_be_token(rules->config, identity))
            out->barred = foreign_standing_objection(rules, present, identity);
        if (out->barred == NULL)
            out->role = policy_find_role(rules->policy, identity->role);
        return;
    }
    struct identity current = *identity;
    current.role = entry->role;
    out->barred = registered_objection(entry, present, identity);
    if (out->barred != NULL)
        return;
    out->role = policy_find(rules->policy, &current);
    out->held = admission_clone_hold(rules, entry);
}

void admission_find_standing(struct admission_rules *rules, const struct identity *identity,
                             struct standing *out)
{
    *out = (struct standing){ 0 };
    if (identity->device != NULL) {
        find_device_standing(rules, identity, out);
        return;
    }
    if (!assignment_anonymous_is_still(rules->config, identity))
        out->barred = "nobody is let in without a client certificate any more";
    else
        out->role = policy_find_role(rules->policy, identity->role);
}
