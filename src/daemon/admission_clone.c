/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/admission_clone.h"

#include <time.h>

/* A service may run in many places; a device is one thing. */
static enum policy_clone clone_rule(const struct role *role, enum identity_kind kind)
{
    enum policy_clone rule = role_options_of(role)->clone;

    if (rule != POLICY_CLONE_BY_KIND)
        return rule;
    return kind == IDENTITY_DEVICE ? POLICY_CLONE_HOLD : POLICY_CLONE_ALLOW;
}

struct credential admission_clone_credential(struct admission_rules *rules,
                                             const struct connection_facts *facts,
                                             const struct role *role, enum identity_kind kind)
{
    struct timespec now;

    if (rules->is_decoy)
        return (struct credential){ .rule = POLICY_CLONE_ALLOW };
    clock_gettime(CLOCK_REALTIME, &now);
    portrait_take(&rules->portrait, facts, (int64_t)now.tv_sec);
    return (struct credential){
        .key = { facts->peer->key_fingerprint, TLS_FINGERPRINT_BYTES },
        .place = span_of(rules->portrait.place),
        .note = { (const uint8_t *)&rules->portrait, sizeof(rules->portrait) },
        .rule = clone_rule(role, kind),
    };
}

const char *admission_clone_hold(const struct admission_rules *rules,
                                 const struct registry_view_entry *entry)
{
    enum hold_kind kind = entry->is_quarantined ? HOLD_BEHAVIOUR : HOLD_CLONE;
    bool is_held = (rules->holding != NULL
                    && holding_has(rules->holding, entry->name, rules->ruling_number, &kind))
                   || entry->is_held;

    if (rules->is_decoy || !is_held)
        return NULL;
    return kind == HOLD_BEHAVIOUR
               ? ADMISSION_QUARANTINE_TEXT
               : "this identity is held, because its key was seen in two places; release it "
                 "with tacit device release";
}
