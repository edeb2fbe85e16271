/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "base/invariant.h"
#include "policy/role.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define QOS_MAX 2

struct policy {
    atomic_size_t references;
    bool sealed;
    struct role **roles; /* by name, ascending */
    size_t count;
    size_t room;
};

struct policy *policy_new(void)
{
    struct policy *policy = calloc(1, sizeof(*policy));
    if (policy != NULL)
        atomic_init(&policy->references, 1);
    return policy;
}

/* Index of the first role whose name is not before `name`. */
static size_t place_of(const struct policy *policy, const char *name)
{
    size_t low = 0;
    size_t high = policy->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(policy->roles[middle]->name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct role *find_role(const struct policy *policy, const char *name)
{
    size_t place = place_of(policy, name);
    if (place == policy->count || strcmp(policy->roles[place]->name, name) != 0)
        return NULL;
    return policy->roles[place];
}

const struct role *policy_find_role(const struct policy *policy, const char *name)
{
    return name != NULL ? find_role(policy, name) : NULL;
}

static bool make_room(struct policy *policy)
{
    if (policy->count < policy->room)
        return true;
    size_t room = policy->room != 0 ? policy->room * 2 : 8;
    struct role **roles = realloc(policy->roles, room * sizeof(*roles));
    if (roles == NULL)
        return false;
    policy->roles = roles;
    policy->room = room;
    return true;
}

struct role *policy_add_role(struct policy *policy, const char *name,
                             const struct role_options *options)
{
    MQTT_INVARIANT(!policy->sealed);
    if (!identity_name_is_valid(name) || options->maximum_qos > QOS_MAX
        || find_role(policy, name) != NULL || !make_room(policy))
        return NULL;
    struct role *role = role_new(name, options);
    if (role == NULL)
        return NULL;
    size_t place = place_of(policy, name);
    memmove(policy->roles + place + 1, policy->roles + place,
            (policy->count - place) * sizeof(*policy->roles));
    policy->roles[place] = role;
    policy->count++;
    return role;
}

void policy_seal(struct policy *policy)
{
    policy->sealed = true;
    for (size_t i = 0; i < policy->count; i++)
        policy->roles[i]->sealed = true;
}

struct policy *policy_ref(struct policy *policy)
{
    atomic_fetch_add_explicit(&policy->references, 1, memory_order_relaxed);
    return policy;
}

void policy_unref(struct policy *policy)
{
    if (policy == NULL)
        return;
    /* Whoever frees has to see what the others did before they let go. */
    if (atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < policy->count; i++)
        role_free(policy->roles[i]);
    free(policy->roles);
    free(policy);
}

const char *policy_verdict_text(enum policy_verdict verdict)
{
    switch (verdict) {
    case POLICY_DENY:
        return "no grant of your role covers this topic";
    case POLICY_DENY_NO_ROLE:
        return "you have no role here; ask the operator for one";
    case POLICY_DENY_WILDCARD:
        return "no grant covers all of this wildcard filter; subscribe to less of it";
    case POLICY_DENY_SYS:
        return "topics that start with '$' need a grant that names them";
    case POLICY_DENY_RULE:
        return "a deny rule of your role covers this topic";
    case POLICY_ALLOW:
        return "granted";
    case POLICY_VERDICT_COUNT:
        break;
    }
    return "refused";
}
