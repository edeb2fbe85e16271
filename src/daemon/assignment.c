/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/assignment.h"

#include "policy/identity.h"

#include <string.h>

static bool fits(const char *wanted, const char *has)
{
    return wanted == NULL || strcmp(wanted, has) == 0;
}

const struct config_assign *assignment_find(const struct config *config,
                                            const struct tls_peer *peer)
{
    for (size_t i = 0; i < config->assign_count; i++) {
        const struct config_assign *assign = &config->assigns[i];
        if (fits(assign->common_name, peer->common_name)
            && fits(assign->organization, peer->organization)
            && fits(assign->organizational_unit, peer->organizational_unit)
            && fits(assign->issuer, peer->issuer))
            return assign;
    }
    return NULL;
}

bool assignment_is_still(const struct config *config, const struct identity *identity)
{
    for (size_t i = 0; i < config->assign_count; i++) {
        const struct config_assign *assign = &config->assigns[i];
        if (identity_name_equal(assign->role, identity->role)
            && identity_name_equal(assign->tenant, identity->tenant)
            && identity_name_equal(assign->site, identity->site)
            && fits(assign->common_name, identity->device))
            return true;
    }
    for (size_t i = 0; i < config->listener_count; i++) {
        const char *role = config->listeners[i].certificate_role;
        if (role != NULL && identity_name_equal(role, identity->role) && identity->tenant == NULL
            && identity->site == NULL)
            return true;
    }
    return false;
}

bool assignment_anonymous_is_still(const struct config *config, const struct identity *identity)
{
    for (size_t i = 0; i < config->listener_count; i++) {
        const char *role = config->listeners[i].anonymous_role;
        if (role != NULL && identity_name_equal(role, identity->role))
            return true;
    }
    return false;
}
