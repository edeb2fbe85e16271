/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/account_standing.h"

#include "base/wipe.h"
#include "daemon/names.h"
#include "policy/identity.h"

bool account_standing_may_be_token(const struct config *config, const struct identity *identity)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const struct config_listener *listener = &config->listeners[i];
        for (size_t j = 0; j < listener->token_count; j++) {
            const char *role = listener->tokens[j].role;
            if (role == NULL || identity_name_equal(role, identity->role))
                return true;
        }
    }
    return false;
}

/* Written to *scratch when the view does not know it yet; NULL: there is no such account. */
static const struct account_view_entry *find_account(struct admission_rules *rules, bool asks,
                                                     const char *name,
                                                     struct account_view_entry *scratch)
{
    /* Not that of an answer: while one comes in, others are judged. */
    struct account *found = &rules->bystander_account;
    const struct account_view_entry *entry = account_view_find(rules->accounts, span_of(name));

    if (entry != NULL || !asks || rules->newcomers == NULL
        || accounts_find(rules->newcomers, name, found, NULL) != 0)
        return entry;
    wipe_bytes(found->verifier, sizeof(found->verifier));
    wipe_bytes(&found->scram, sizeof(found->scram));
    *scratch = (struct account_view_entry){
        .name = found->name,
        .role = found->role,
        .tenant = found->tenant,
        .site = found->site,
        .status = found->status,
        .is_burnt = found->burnt_s != 0,
    };
    return scratch;
}

static const char *entry_objection(const struct account_view_entry *account,
                                   const struct presence_entry *present,
                                   const struct identity *identity)
{
    if (present != NULL && (present->is_mixed || present->has_certificate))
        return "an account has the name that this certificate stands for";
    if (account->status != REGISTRY_ACTIVE)
        return "this account is suspended or revoked";
    if (account->is_burnt)
        return "the password of this account was seen in the clear; set a new one with tacit "
               "passwd";
    if (!identity_name_equal(name_or_none(account->tenant), identity->tenant)
        || !identity_name_equal(name_or_none(account->site), identity->site))
        return "this account was moved to another tenant or site; connect again";
    return NULL;
}

static void judge(struct admission_rules *rules, const struct account_view_entry *account,
                  const struct presence_entry *present, const struct identity *identity,
                  struct standing *out)
{
    struct identity current = *identity;

    current.role = account->role;
    out->barred = entry_objection(account, present, identity);
    if (out->barred == NULL)
        out->role = policy_find(rules->policy, &current);
}

bool account_standing_find(struct admission_rules *rules, const struct identity *identity,
                           const struct presence_entry *present, struct standing *out)
{
    struct account_view_entry fresh;
    bool asks = present == NULL || !present->has_certificate;
    const struct account_view_entry *account = find_account(rules, asks, identity->device, &fresh);

    if (account != NULL) {
        judge(rules, account, present, identity, out);
        return true;
    }
    if (present == NULL || present->has_certificate)
        return false;
    if ((present->has_token || present->is_mixed)
        && account_standing_may_be_token(rules->config, identity))
        out->role = policy_find_role(rules->policy, identity->role);
    else
        out->barred = "this account does not exist any more";
    return true;
}
