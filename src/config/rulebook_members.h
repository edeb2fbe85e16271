/* SPDX-License-Identifier: Apache-2.0 */
/* Who is in which group and what that gives, while a policy is being built. For rulebook.c. */
#pragma once

#include "base/attrs.h"
#include "base/bytes_map.h"
#include "policy/policy.h"

#include <stdbool.h>
#include <stddef.h>

#define MEMBER_ROLES_MAX 64 /* that one device has, all groups together */

struct members {
    struct bytes_map roles;   /* by name, the hidden ones too */
    struct bytes_map groups;  /* what each gives */
    struct bytes_map devices; /* in groups, or with grants of their own */
};

struct group;
struct member_groups; /* the groups of one device */

void members_init(struct members *members);
void members_fini(struct members *members);

/* -ENOMEM in all of them; being there already is fine. Roles are borrowed. */
MQTT_NODISCARD int members_add_role(struct members *members, const char *name, struct role *role);
struct role *members_find_role(const struct members *members, const char *name);
MQTT_NODISCARD int members_group_has(struct members *members, const char *group, struct role *role);
MQTT_NODISCARD int members_join(struct members *members, const char *group, const char *device);
MQTT_NODISCARD int members_note(struct members *members, const char *device); /* without a group */

/* Adds to roles[*count] the roles that the groups give and what is granted to the groups, each
 * once, up to `most` in all. False: that is not all of them. */
MQTT_NODISCARD bool members_roles(const struct members *members, const struct member_groups *groups,
                                  struct role **roles, size_t *count, size_t most);

/* Every device; a result other than 0 ends it and is returned. */
MQTT_NODISCARD int members_each(struct members *members,
                                int (*visit)(void *context, const char *device,
                                             const struct member_groups *groups),
                                void *context);
