/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_canary.h"

#include "codec/connect.h"
#include "codec/frame.h"
#include "pki/canaries.h"
#include "pki/jwt.h"
#include "pki/scram.h"

#include <errno.h>

const char *admission_canary_of_peer(struct admission_rules *rules, const struct tls_peer *peer)
{
    struct registry_view_entry newcomer;
    const struct registry_view_entry *entry = admission_find_holder(rules, peer, &newcomer);

    return entry != NULL && entry->is_canary ? entry->name : NULL;
}

static const char *find_scram_user(const struct admission_rules *rules,
                                   const struct mqtt_connect *connect)
{
    struct scram_first first = { .user = "" };

    if (scram_read_first(connect->authentication_data, &first) != 0)
        return NULL;
    return canary_set_find_account(rules->canaries, span_of(first.user));
}

/* A token with a user name beside it speaks for itself (admission.c). */
static const char *find_user(const struct admission_rules *rules,
                             const struct config_listener *listener,
                             const struct mqtt_connect *connect)
{
    if (span_equal(connect->authentication_method, span_of(SCRAM_METHOD)))
        return find_scram_user(rules, connect);
    if (!connect->has_user_name || !connect->has_password
        || (listener->token_count > 0 && jwt_is_likely(connect->password)))
        return NULL;
    return canary_set_find_account(rules->canaries, connect->user_name);
}

const char *admission_canary_of_connect(const struct admission_rules *rules,
                                        const struct connection_facts *facts,
                                        struct mqtt_span bytes)
{
    const struct config_listener *listener =
        admission_find_listener(rules->config, facts->listener);
    struct mqtt_connect connect = { 0 };
    struct mqtt_frame frame;

    if (facts->peer != NULL || rules->logins == NULL || listener == NULL
        || listener->passwords == CONFIG_PASSWORDS_OFF
        || mqtt_frame_decode(bytes, bytes.len, &frame) != MQTT_OK || frame.type != MQTT_CONNECT
        || mqtt_connect_decode(frame.body, &connect) != MQTT_OK)
        return NULL;
    return find_user(rules, listener, &connect);
}

bool admission_canary_is_marked(struct registry *registry, const char *name)
{
    struct canary canary = { .kind = CANARY_NONE };

    return canaries_find(registry, name, &canary, NULL) != -ENOENT && canary.kind != CANARY_TOPIC;
}

bool admission_canary_is_lost(const struct admission_rules *rules, const char *account)
{
    const struct account_view_entry *entry = account_view_find(rules->accounts, span_of(account));

    if (rules->is_decoy)
        return false;
    if (entry != NULL)
        return entry->is_canary;
    return rules->newcomers != NULL && admission_canary_is_marked(rules->newcomers, account);
}
