/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/role.h"

#include "base/invariant.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char *copy_text(const char *text)
{
    size_t bytes = strlen(text) + 1;
    char *copy = malloc(bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

struct role *role_new(const char *name, const struct role_options *options)
{
    struct role *role = calloc(1, sizeof(*role));
    if (role == NULL)
        return NULL;
    role->options = *options;
    role->name = copy_text(name);
    if (role->name == NULL) {
        free(role);
        return NULL;
    }
    return role;
}

static void free_rules(struct rules *rules)
{
    for (size_t i = 0; i < rules->count; i++)
        free(rules->at[i].text);
    free(rules->at);
}

void role_free(struct role *role)
{
    if (role == NULL)
        return;
    for (size_t action = 0; action < ROLE_ACTIONS; action++) {
        for (size_t effect = 0; effect < ROLE_EFFECT_COUNT; effect++)
            free_rules(&role->rules[action][effect]);
    }
    free(role->name);
    free(role);
}

const char *role_name(const struct role *role)
{
    return role->name;
}

const struct role_options *role_options_of(const struct role *role)
{
    return &role->options;
}

static int make_room(struct rules *rules)
{
    if (rules->count < rules->room)
        return 0;
    size_t room = rules->room != 0 ? rules->room * 2 : 4;
    struct rule *at = realloc(rules->at, room * sizeof(*at));
    if (at == NULL)
        return -ENOMEM;
    rules->at = at;
    rules->room = room;
    return 0;
}

static int add_rule(struct role *role, enum policy_action action, enum role_effect effect,
                    const char *pattern, const char **out_why)
{
    MQTT_INVARIANT(!role->sealed);
    const char *fault = pattern_fault(span_of(pattern));
    if (fault != NULL) {
        *out_why = fault;
        return -EINVAL;
    }
    struct rules *rules = &role->rules[action][effect];
    int error = make_room(rules);
    if (error != 0)
        return error;
    char *text = copy_text(pattern);
    if (text == NULL)
        return -ENOMEM;
    rules->at[rules->count++] = (struct rule){ pattern_of(span_of(text)), text };
    return 0;
}

int role_grant(struct role *role, enum policy_action action, const char *pattern,
               const char **out_why)
{
    return add_rule(role, action, ROLE_GRANTS, pattern, out_why);
}

int role_deny(struct role *role, enum policy_action action, const char *pattern,
              const char **out_why)
{
    return add_rule(role, action, ROLE_DENIES, pattern, out_why);
}
