/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rulebook_grant.h"

#include "config/rulebook.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define ORIGIN "registry"

const struct role_options rulebook_grant_carrier_options = {
    .hidden = true,
    .terms = { .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
};

int rulebook_grant_carrier(const struct registry_grant *grant, char out[IDENTITY_NAME_BYTES + 1])
{
    static const char *const prefixes[GRANT_SUBJECT_COUNT] = {
        [GRANT_TO_DEVICE] = RULEBOOK_DEVICE,
        [GRANT_TO_ROLE] = "",
        [GRANT_TO_GROUP] = RULEBOOK_GROUP,
    };
    char name[IDENTITY_NAME_BYTES + 1];

    if ((unsigned)grant->subject_kind >= GRANT_SUBJECT_COUNT)
        return -EINVAL;
    int len = snprintf(name, sizeof(name), "%s%s", prefixes[grant->subject_kind], grant->subject);
    if (len < 0 || (size_t)len >= sizeof(name) || !identity_name_is_valid(name))
        return -EINVAL;
    memcpy(out, name, (size_t)len + 1);
    return 0;
}

void rulebook_grant_prefix(const struct registry_grant *grant, char out[GRANT_PATTERN_SIZE])
{
    size_t len = strcspn(grant->pattern, "+#");

    while (len > 0 && grant->pattern[len - 1] != '/')
        len--;
    memcpy(out, grant->pattern, len);
    out[len] = '\0';
}

static uint32_t bounded(int64_t value)
{
    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static struct policy_terms terms_of(const struct registry_grant *grant, const struct role *role)
{
    struct policy_terms terms = role_options_of(role)->terms;

    if (grant->maximum_qos >= 0)
        terms.maximum_qos = (uint8_t)grant->maximum_qos;
    if (grant->retain >= 0)
        terms.retain = grant->retain != 0;
    if (grant->payload_bytes >= 0)
        terms.payload_bytes = bounded(grant->payload_bytes);
    if (grant->rate_messages >= 0) {
        terms.rate_messages = bounded(grant->rate_messages);
        terms.rate_seconds = bounded(grant->rate_seconds);
    }
    return terms;
}

static int add_scope(struct role *role, const struct registry_grant *grant,
                     const struct policy_origin *origin, const char **out_why)
{
    char prefix[GRANT_PATTERN_SIZE];
    const struct policy_scope scope = {
        .prefix = prefix,
        .depth = bounded(grant->depth),
        .most_topics = bounded(grant->most_topics),
        .expires_s = grant->expires_s,
        .owner = grant->owner,
        .reason = grant->reason,
        .origin = *origin,
    };

    rulebook_grant_prefix(grant, prefix);
    return role_add_scope(role, &scope, out_why);
}

int rulebook_grant_add(struct role *role, const struct registry_grant *grant, const char **out_why)
{
    const struct policy_rule rule = {
        .action = grant->subscribes ? POLICY_SUBSCRIBE : POLICY_PUBLISH,
        .grants = !grant->denies,
        .pattern = grant->pattern,
        .terms = terms_of(grant, role),
        .expires_s = grant->expires_s,
        .owner = grant->owner,
        .reason = grant->reason,
        .origin = { ORIGIN, (unsigned)grant->id, 0 },
    };
    int error = 0;

    /* A row of which one half is wrong grants nothing at all. */
    *out_why = role_rule_fault(&rule);
    if (*out_why != NULL)
        return -EINVAL;
    if (grant->most_topics > 0 && rule.action == POLICY_SUBSCRIBE && !grant->denies)
        error = add_scope(role, grant, &rule.origin, out_why);
    return error < 0 ? error : role_add_rule(role, &rule, out_why);
}

int rulebook_grant_check(const struct registry_grant *grant, const struct role_options *options,
                         const char **out_why)
{
    char name[IDENTITY_NAME_BYTES + 1];

    if (rulebook_grant_carrier(grant, name) < 0) {
        *out_why = "nobody can have that name, or it is too long";
        return -EINVAL;
    }
    struct policy *policy = policy_new();
    struct role *role = policy != NULL ? policy_add_role(policy, name, options) : NULL;
    int error = role != NULL ? rulebook_grant_add(role, grant, out_why) : -ENOMEM;
    policy_unref(policy);
    return error;
}
