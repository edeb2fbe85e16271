/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_key.h"

#include "net/facts.h"

#include <string.h>

static enum policy_key level_of(enum key_protection protection, bool is_attested)
{
    return policy_key_of_word(identity_extension_protection_text(protection), is_attested);
}

static const char *objection(const struct role *role, enum policy_key has)
{
    return policy_key_objection(role_options_of(role)->require_key, has);
}

static enum policy_key level_now(struct admission_rules *rules,
                                 const struct registry_view_entry *entry)
{
    if (rules->newcomers == NULL
        || registry_find(rules->newcomers, entry->name, &rules->bystander, NULL) != 0
        || memcmp(rules->bystander.key_sha256, entry->key_sha256, REGISTRY_KEY_BYTES) != 0)
        return POLICY_KEY_ANY;
    return policy_key_of_word(rules->bystander.protection, registry_is_attested(&rules->bystander));
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
        objection(out->role,
                  entry != NULL ? level_of(entry->protection, entry->is_attested) : POLICY_KEY_ANY);
    /* What was proved of a key a moment ago counts at once: the view follows a little later. */
    if (why != NULL && entry != NULL)
        why = objection(out->role, level_now(rules, entry));
    return why != NULL ? admission_refuse(out, MQTT_NOT_AUTHORIZED, why) : ADMISSION_ALLOW;
}

/* Of a registered identity; the view follows the registry a little later. */
static enum policy_key level_by_name(struct admission_rules *rules, const char *name)
{
    const struct registry_view_entry *entry =
        rules->registry != NULL && name != NULL ? registry_view_find(rules->registry, span_of(name))
                                                : NULL;

    if (entry != NULL)
        return level_of(entry->protection, entry->is_attested);
    if (rules->newcomers == NULL || name == NULL
        || registry_find(rules->newcomers, name, &rules->bystander, NULL) != 0)
        return POLICY_KEY_ANY;
    return policy_key_of_word(rules->bystander.protection, registry_is_attested(&rules->bystander));
}

void admission_key_check_standing(struct admission_rules *rules, const struct identity *identity,
                                  struct standing *out)
{
    if (out->barred == NULL && asks_for_one(out->role) && !rules->is_decoy)
        out->barred = objection(out->role, level_by_name(rules, identity->device));
}
