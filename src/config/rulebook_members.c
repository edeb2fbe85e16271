/* SPDX-License-Identifier: Apache-2.0 */
#include "config/rulebook_members.h"

#include "config/rulebook.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct named_role {
    struct bytes_node by_name;
    struct role *role;
    char name[];
};

struct group {
    struct bytes_node by_name;
    struct role **roles;
    size_t count;
    char name[];
};

struct member_groups {
    struct bytes_node by_device;
    struct group **groups;
    size_t count;
    char device[];
};

/* Names come from the registry and the file, not from peers. */
static const struct siphash_key no_key;

void members_init(struct members *members)
{
    bytes_map_init(&members->roles, &no_key);
    bytes_map_init(&members->groups, &no_key);
    bytes_map_init(&members->devices, &no_key);
}

static void free_role(struct bytes_node *node, void *context)
{
    (void)context;
    free(MQTT_CONTAINER_OF(node, struct named_role, by_name));
}

static void free_group(struct bytes_node *node, void *context)
{
    struct group *group = MQTT_CONTAINER_OF(node, struct group, by_name);

    (void)context;
    free(group->roles);
    free(group);
}

static void free_device(struct bytes_node *node, void *context)
{
    struct member_groups *device = MQTT_CONTAINER_OF(node, struct member_groups, by_device);

    (void)context;
    free(device->groups);
    free(device);
}

void members_fini(struct members *members)
{
    bytes_map_each(&members->roles, free_role, NULL);
    bytes_map_each(&members->groups, free_group, NULL);
    bytes_map_each(&members->devices, free_device, NULL);
    bytes_map_fini(&members->roles);
    bytes_map_fini(&members->groups);
    bytes_map_fini(&members->devices);
}

int members_add_role(struct members *members, const char *name, struct role *role)
{
    struct named_role *named = calloc(1, sizeof(*named) + strlen(name) + 1);

    if (named == NULL)
        return -ENOMEM;
    memcpy(named->name, name, strlen(name) + 1);
    named->role = role;
    named->by_name.key = span_of(named->name);
    int error = bytes_map_insert(&members->roles, &named->by_name);
    if (error < 0)
        free(named);
    return error;
}

struct role *members_find_role(const struct members *members, const char *name)
{
    struct bytes_node *node = bytes_map_find(&members->roles, span_of(name));

    return node != NULL ? MQTT_CONTAINER_OF(node, struct named_role, by_name)->role : NULL;
}

static struct group *group_of(struct members *members, const char *name)
{
    struct bytes_node *node = bytes_map_find(&members->groups, span_of(name));

    if (node != NULL)
        return MQTT_CONTAINER_OF(node, struct group, by_name);
    struct group *group = calloc(1, sizeof(*group) + strlen(name) + 1);
    if (group == NULL)
        return NULL;
    memcpy(group->name, name, strlen(name) + 1);
    group->by_name.key = span_of(group->name);
    if (bytes_map_insert(&members->groups, &group->by_name) == 0)
        return group;
    free(group);
    return NULL;
}

static struct member_groups *device_of(struct members *members, const char *name)
{
    struct bytes_node *node = bytes_map_find(&members->devices, span_of(name));

    if (node != NULL)
        return MQTT_CONTAINER_OF(node, struct member_groups, by_device);
    struct member_groups *device = calloc(1, sizeof(*device) + strlen(name) + 1);
    if (device == NULL)
        return NULL;
    memcpy(device->device, name, strlen(name) + 1);
    device->by_device.key = span_of(device->device);
    if (bytes_map_insert(&members->devices, &device->by_device) == 0)
        return device;
    free(device);
    return NULL;
}

int members_group_has(struct members *members, const char *group, struct role *role)
{
    struct group *has = group_of(members, group);
    struct role **roles =
        has != NULL ? realloc(has->roles, (has->count + 1) * sizeof(struct role *)) : NULL;

    if (roles == NULL)
        return -ENOMEM;
    has->roles = roles;
    roles[has->count++] = role;
    return 0;
}

int members_join(struct members *members, const char *group, const char *device)
{
    struct group *joined = group_of(members, group);
    struct member_groups *member = device_of(members, device);

    if (joined == NULL || member == NULL)
        return -ENOMEM;
    struct group **groups = realloc(member->groups, (member->count + 1) * sizeof(struct group *));
    if (groups == NULL)
        return -ENOMEM;
    member->groups = groups;
    groups[member->count++] = joined;
    return 0;
}

int members_note(struct members *members, const char *device)
{
    return device_of(members, device) != NULL ? 0 : -ENOMEM;
}

static bool add_once(struct role **roles, size_t *count, size_t most, struct role *role)
{
    for (size_t i = 0; i < *count; i++) {
        if (roles[i] == role)
            return true;
    }
    if (role == NULL)
        return true;
    if (*count >= most)
        return false;
    roles[(*count)++] = role;
    return true;
}

bool members_roles(const struct members *members, const struct member_groups *groups,
                   struct role **roles, size_t *count, size_t most)
{
    bool is_all = true;

    for (size_t i = 0; i < groups->count; i++) {
        const struct group *group = groups->groups[i];
        char hidden[sizeof(RULEBOOK_GROUP) + IDENTITY_NAME_BYTES];

        for (size_t j = 0; j < group->count; j++)
            is_all &= add_once(roles, count, most, group->roles[j]);
        snprintf(hidden, sizeof(hidden), RULEBOOK_GROUP "%s", group->name);
        is_all &= add_once(roles, count, most, members_find_role(members, hidden));
    }
    return is_all;
}

struct walk {
    int (*visit)(void *context, const char *device, const struct member_groups *groups);
    void *context;
    int result;
};

static void visit_device(struct bytes_node *node, void *context)
{
    const struct member_groups *device = MQTT_CONTAINER_OF(node, struct member_groups, by_device);
    struct walk *walk = context;

    if (walk->result == 0)
        walk->result = walk->visit(walk->context, device->device, device);
}

int members_each(struct members *members,
                 int (*visit)(void *context, const char *device,
                              const struct member_groups *groups),
                 void *context)
{
    struct walk walk = { visit, context, 0 };

    bytes_map_each(&members->devices, visit_device, &walk);
    return walk.result;
}
