/* SPDX-License-Identifier: Apache-2.0 */
#include "broker_roles.h"

#include "base/attrs.h"
#include "base/invariant.h"

static void grant(struct role *role, enum policy_action action, const char *pattern)
{
    const char *why;

    MQTT_INVARIANT(role_grant(role, action, pattern, &why) == 0);
}

void roles_add_narrow(struct policy *policy, uint8_t how)
{
    const struct role_options options = {
        .shared = how / 4 % 2 != 0,
        .anonymous = true,
        .carves = how / 8 % 2 != 0,
        .durability = (enum policy_durability)(how / 16 % 3),
        .terms = { .retain = how / 32 % 2 != 0,
                   .maximum_qos = how / 64 % 3,
                   .payload_bytes = how % 2 != 0 ? POLICY_NO_LIMIT : 100 },
    };
    const struct policy_scope scope = { .prefix = "a/",
                                        .depth = how / 2 % 3,
                                        .most_topics = 1 + how / 8 % 3,
                                        .owner = "o",
                                        .reason = "r" };
    struct role *role = policy_add_role(policy, "all", &options);
    const char *why;

    MQTT_INVARIANT(role != NULL);
    grant(role, POLICY_PUBLISH, "#");
    grant(role, POLICY_SUBSCRIBE, "t");
    grant(role, POLICY_SUBSCRIBE, "a/#");
    MQTT_INVARIANT(role_add_scope(role, &scope, &why) == 0);
    if (how % 3 == 0)
        MQTT_INVARIANT(role_deny(role, POLICY_SUBSCRIBE, "a/b/c", &why) == 0);
}

void roles_add_wide(struct policy *policy, const char *name)
{
    const struct role_options options = {
        .shared = true,
        .unrestricted = true,
        .anonymous = true,
        .terms = { .retain = true, .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };

    MQTT_INVARIANT(policy_add_role(policy, name, &options) != NULL);
}

void roles_add_carved(struct policy *policy, const char *name, uint8_t how)
{
    static const char *const denied[] = { "t",   "a/b",        "a/b/c",
                                          "a/#", "+/v",        "devices/lamp/#",
                                          "/",   "devices/+/x" };
    const struct role_options options = {
        .shared = true,
        .unrestricted = true,
        .anonymous = true,
        .carves = true,
        .terms = { .retain = true, .maximum_qos = 2, .payload_bytes = POLICY_NO_LIMIT },
    };
    struct role *role = policy_add_role(policy, name, &options);
    const char *why;

    MQTT_INVARIANT(role != NULL);
    for (unsigned i = 0; i < MQTT_ARRAY_LEN(denied); i++)
        if ((how >> i & 1u) != 0)
            MQTT_INVARIANT(role_deny(role, POLICY_SUBSCRIBE, denied[i], &why) == 0);
}
