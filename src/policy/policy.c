/* SPDX-License-Identifier: Apache-2.0 */
#include "policy/policy.h"

#include "base/bytes_map.h"
#include "base/invariant.h"
#include "policy/role.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct assignment {
    struct bytes_node by_device;
    const struct role *role;
    char device[];
};

struct policy {
    atomic_size_t references;
    bool sealed;
    struct role **roles; /* by name, ascending */
    size_t count;
    size_t room;
    struct bytes_map assignments;
    struct role **combinations;
    size_t combination_count;
};

struct policy *policy_new(void)
{
    struct policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL)
        return NULL;
    atomic_init(&policy->references, 1);
    /* Device names come from the registry: nobody chooses them to collide. */
    bytes_map_init(&policy->assignments, &(struct siphash_key){ 0 });
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
    if (!identity_name_is_valid(name) || !policy_terms_are_valid(&options->terms)
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

/* ---- assignments ---- */

static bool has_parts(const struct role *combination, struct role *const *roles, size_t count)
{
    return combination->part_count == count
           && memcmp(combination->parts, roles, count * sizeof(struct role *)) == 0;
}

static struct role *find_combination(const struct policy *policy, struct role *const *roles,
                                     size_t count)
{
    for (size_t i = 0; i < policy->combination_count; i++) {
        if (has_parts(policy->combinations[i], roles, count))
            return policy->combinations[i];
    }
    return NULL;
}

static struct role *combine(struct policy *policy, struct role *const *roles, size_t count)
{
    struct role *combination = find_combination(policy, roles, count);

    if (combination != NULL)
        return combination;
    struct role **combinations =
        realloc(policy->combinations, (policy->combination_count + 1) * sizeof(struct role *));
    if (combinations == NULL)
        return NULL;
    policy->combinations = combinations;
    combination = role_new(roles[0]->name, &roles[0]->options);
    struct role **parts = malloc(count * sizeof(struct role *));
    if (combination == NULL || parts == NULL) {
        free(parts);
        role_free(combination);
        return NULL;
    }
    memcpy(parts, roles, count * sizeof(struct role *));
    combination->parts = parts;
    combination->part_count = count;
    for (size_t i = 1; i < count; i++) {
        if (roles[i]->options.durability > combination->options.durability)
            combination->options.durability = roles[i]->options.durability;
        if (roles[i]->options.require_key > combination->options.require_key)
            combination->options.require_key = roles[i]->options.require_key;
    }
    combinations[policy->combination_count++] = combination;
    return combination;
}

int policy_assign(struct policy *policy, const char *device, struct role *const *roles,
                  size_t count)
{
    MQTT_INVARIANT(!policy->sealed && count > 0);
    if (!identity_name_is_valid(device)
        || bytes_map_find(&policy->assignments, span_of(device)) != NULL)
        return -EINVAL;
    struct assignment *assignment = calloc(1, sizeof(*assignment) + strlen(device) + 1);
    struct role *role = count == 1 ? roles[0] : combine(policy, roles, count);
    if (assignment == NULL || role == NULL) {
        free(assignment);
        return -ENOMEM;
    }
    memcpy(assignment->device, device, strlen(device) + 1);
    assignment->role = role;
    assignment->by_device.key = span_of(assignment->device);
    if (bytes_map_insert(&policy->assignments, &assignment->by_device) < 0) {
        free(assignment);
        return -ENOMEM;
    }
    return 0;
}

const struct role *policy_find(const struct policy *policy, const struct identity *identity)
{
    struct bytes_node *node = identity->device != NULL
                                  ? bytes_map_find(&policy->assignments, span_of(identity->device))
                                  : NULL;

    if (node != NULL)
        return MQTT_CONTAINER_OF(node, struct assignment, by_device)->role;
    const struct role *role = policy_find_role(policy, identity->role);
    return role != NULL && !role->options.hidden ? role : NULL;
}

size_t policy_role_count(const struct policy *policy)
{
    return policy->count;
}

const struct role *policy_role_at(const struct policy *policy, size_t i)
{
    return policy->roles[i];
}

static int64_t earlier(int64_t a, int64_t b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

int64_t policy_next_expiry_s(const struct policy *policy)
{
    int64_t first = 0;

    for (size_t r = 0; r < policy->count; r++) {
        const struct role *role = policy->roles[r];
        for (size_t i = 0; i < role->rule_count; i++)
            first = earlier(first, role->rules[i].said.expires_s);
        for (size_t i = 0; i < role->scope_count; i++)
            first = earlier(first, role->scopes[i].said.expires_s);
    }
    return first;
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

static void free_assignment(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct assignment, by_device));
}

void policy_unref(struct policy *policy)
{
    if (policy == NULL)
        return;
    /* Whoever frees has to see what the others did before they let go. */
    if (atomic_fetch_sub_explicit(&policy->references, 1, memory_order_acq_rel) != 1)
        return;
    bytes_map_each(&policy->assignments, free_assignment, NULL);
    bytes_map_fini(&policy->assignments);
    for (size_t i = 0; i < policy->combination_count; i++)
        role_free(policy->combinations[i]);
    for (size_t i = 0; i < policy->count; i++)
        role_free(policy->roles[i]);
    free(policy->combinations);
    free(policy->roles);
    free(policy);
}

const char *policy_durability_name(enum policy_durability durability)
{
    static const char *const names[POLICY_DURABILITY_COUNT] = {
        [POLICY_DURABLE] = "durable",
        [POLICY_RELAXED] = "relaxed",
        [POLICY_MEMORY] = "memory",
    };

    return names[durability];
}
