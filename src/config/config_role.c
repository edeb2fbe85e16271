/* SPDX-License-Identifier: Apache-2.0 */
#include "config/config.h"

#include "config/config_value.h"

#include <errno.h>
#include <string.h>

struct grant_key {
    const char *key;
    enum policy_action action;
    bool denies;
};

static const struct grant_key grant_keys[] = {
    { "publish", POLICY_PUBLISH, false },
    { "subscribe", POLICY_SUBSCRIBE, false },
    { "deny-publish", POLICY_PUBLISH, true },
    { "deny-subscribe", POLICY_SUBSCRIBE, true },
};

static int read_pattern(const struct grant_key *key, const struct setting *item,
                        struct diagnostics *diagnostics, struct role *role)
{
    const char *why = "";
    int status = key->denies ? role_deny(role, key->action, item->text, &why)
                             : role_grant(role, key->action, item->text, &why);

    if (status != -EINVAL)
        return status;
    diagnostics_error(diagnostics, item->file, item->line, "%s: \"%.200s\": %s", item->key,
                      item->text, why);
    return 0;
}

static int read_patterns(const struct settings_block *block, struct diagnostics *diagnostics,
                         struct role *role)
{
    for (size_t i = 0; i < block->count; i++) {
        for (size_t j = 0; j < MQTT_ARRAY_LEN(grant_keys); j++) {
            if (strcmp(block->items[i].key, grant_keys[j].key) != 0)
                continue;
            int status = read_pattern(&grant_keys[j], &block->items[i], diagnostics, role);
            if (status != 0)
                return status;
        }
    }
    return 0;
}

int config_role_read(const struct settings_block *block, struct diagnostics *diagnostics,
                     struct policy *policy)
{
    struct role_options options = { .maximum_qos = 2 };
    uint64_t qos = 2;

    config_value_bool(settings_value(block, "wildcards", diagnostics), diagnostics,
                      &options.wildcards);
    config_value_bool(settings_value(block, "shared", diagnostics), diagnostics, &options.shared);
    config_value_bool(settings_value(block, "retain", diagnostics), diagnostics, &options.retain);
    config_value_bool(settings_value(block, "unrestricted", diagnostics), diagnostics,
                      &options.unrestricted);
    config_value_number(settings_value(block, "maximum-qos", diagnostics), 0, 2, diagnostics, &qos);
    options.maximum_qos = (uint8_t)qos;
    if (!identity_name_is_valid(block->title)) {
        diagnostics_error(diagnostics, block->file, block->line,
                          "role \"%.100s\": a name is made of letters, digits and . _ : -",
                          block->title);
        return 0;
    }
    struct role *role = policy_add_role(policy, block->title, &options);
    if (role == NULL)
        return -ENOMEM;
    return read_patterns(block, diagnostics, role);
}
