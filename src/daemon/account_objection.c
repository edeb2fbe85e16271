/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/account_objection.h"

#include "base/wipe.h"
#include "pki/accounts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *tell_burnt(struct admission_rules *rules, const struct account *account)
{
    char when[32] = "an unknown day";
    struct tm calendar;
    time_t burnt = (time_t)account->burnt_s;

    if (gmtime_r(&burnt, &calendar) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &calendar);
    (void)snprintf(rules->text, sizeof(rules->text),
                   "this password was seen in the clear on %s; set a new one with "
                   "tacit passwd %.100s",
                   when, account->name);
    return rules->text;
}

static bool is_other(const char *a, const char *b)
{
    return strcmp(a, b) != 0;
}

/* What was read when it began to log in may be over by now, and the policy that says so in force
 * already: then nobody would ask again. */
static const char *change_objection(const struct admission_rules *rules,
                                    const struct account *account)
{
    const struct account_view_entry *entry =
        account_view_find(rules->accounts, span_of(account->name));
    struct account now;

    if (entry == NULL) {
        /* It is new, or it is gone. */
        int status = rules->newcomers != NULL
                         ? accounts_find(rules->newcomers, account->name, &now, NULL)
                         : -ENOENT;
        wipe_bytes(&now, sizeof(now));
        return status == 0 ? NULL : "this account does not exist any more";
    }
    if (entry->status != REGISTRY_ACTIVE || entry->is_burnt || is_other(entry->role, account->role)
        || is_other(entry->tenant, account->tenant) || is_other(entry->site, account->site))
        return "this account has just been changed; connect again";
    return NULL;
}

const char *account_objection(struct admission_rules *rules, const struct account *account)
{
    if (account->status != REGISTRY_ACTIVE)
        return account->status == REGISTRY_SUSPENDED ? "this account is suspended"
                                                     : "this account has been revoked";
    if (account->burnt_s != 0)
        return tell_burnt(rules, account);
    /* The registry refuses such names; a file that somebody else wrote need not. */
    if (!identity_name_is_valid(account->name)
        || (account->tenant[0] != '\0' && !identity_name_is_valid(account->tenant))
        || (account->site[0] != '\0' && !identity_name_is_valid(account->site)))
        return "the registry has a name for this account that cannot stand in a topic";
    return change_objection(rules, account);
}
