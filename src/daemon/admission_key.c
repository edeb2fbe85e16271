/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_key.h"

#include "net/facts.h"

static const char *objection(const struct role *role, enum key_protection protection)
{
    enum policy_key has = policy_key_of_word(identity_extension_protection_text(protection));

    return policy_key_objection(role_options_of(role)->require_key, has);
}

static bool asks_for_one(const struct role *role)
{
    return role != NULL && role_options_of(role)->require_key != POLICY_KEY_ANY;
}

enum admission admission_key_check(struct admission_rules *rules,
                                   const struct admission_request *request,
                                   struct admission_answer *out)
{
    const struct connection_facts *facts = request->facts;
    struct registry_view_entry scratch;

    if (!asks_for_one(out->role) || rules->is_decoy)
        return ADMISSION_ALLOW;
    const struct registry_view_entry *entry =
        facts->peer != NULL ? admission_find_holder(rules, facts->peer, &scratch) : NULL;
    const char *why =
        objection(out->role, entry != NULL ? entry->protection : KEY_PROTECTION_UNKNOWN);
    return why != NULL ? admission_refuse(out, MQTT_NOT_AUTHORIZED, why) : ADMISSION_ALLOW;
}

/* Of a registered identity; the view follows the registry a little later. */
static enum key_protection protection_of(struct admission_rules *rules, const char *name)
{
    const struct registry_view_entry *entry =
        rules->registry != NULL && name != NULL ? registry_view_find(rules->registry, span_of(name))
                                                : NULL;

    if (entry != NULL)
        return entry->protection;
    if (rules->newcomers == NULL || name == NULL
        || registry_find(rules->newcomers, name, &rules->bystander, NULL) != 0)
        return KEY_PROTECTION_UNKNOWN;
    return identity_extension_protection_of(rules->bystander.protection);
}

void admission_key_check_standing(struct admission_rules *rules, const struct identity *identity,
                                  struct standing *out)
{
    if (out->barred == NULL && asks_for_one(out->role) && !rules->is_decoy)
        out->barred = objection(out->role, protection_of(rules, identity->device));
}
