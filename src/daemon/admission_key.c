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

/* As the registry has it now. `key` NULL: whichever it has. */
static enum policy_key level_now(struct admission_rules *rules, const char *name,
                                 const uint8_t *key)
{
    struct registry_entry *found = &rules->bystander;

    if (rules->newcomers == NULL || name == NULL
        || registry_find(rules->newcomers, name, found, NULL) != 0
        || (key != NULL && memcmp(found->key_sha256, key, REGISTRY_KEY_BYTES) != 0))
        return POLICY_KEY_ANY;
    return policy_key_of_word(found->protection, registry_is_attested(found));
}

/* What was proved of a key a moment ago counts at once: the view follows a little later. */
static const char *objection_to(struct admission_rules *rules, const struct role *role,
                                const struct registry_view_entry *entry)
{
    const char *why = objection(role, level_of(entry->protection, entry->is_attested));

    return why != NULL ? objection(role, level_now(rules, entry->name, entry->key_sha256)) : NULL;
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
    const char *why = entry != NULL ? objection_to(rules, out->role, entry)
                                    : objection(out->role, POLICY_KEY_ANY);
    return why != NULL ? admission_refuse(out, MQTT_NOT_AUTHORIZED, why) : ADMISSION_ALLOW;
}

/* Of a registered identity, who may be newer than the view. */
static const char *objection_by_name(struct admission_rules *rules, const struct role *role,
                                     const char *name)
{
    const struct registry_view_entry *entry =
        rules->registry != NULL && name != NULL ? registry_view_find(rules->registry, span_of(name))
                                                : NULL;

    return entry != NULL ? objection_to(rules, role, entry)
                         : objection(role, level_now(rules, name, NULL));
}

void admission_key_check_standing(struct admission_rules *rules, const struct identity *identity,
                                  struct standing *out)
{
    if (out->barred == NULL && asks_for_one(out->role) && !rules->is_decoy)
        out->barred = objection_by_name(rules, out->role, identity->device);
}
