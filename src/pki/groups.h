/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of devices: each has the roles of its groups besides its own, and what the registry
 * grants to them. A group is there as long as it has a member or a role.
 *
 * Owner: the thread of the registry. Functions return a negative errno with the reason in *fault
 * (may be NULL). */
#pragma once

#include "base/attrs.h"
#include "pki/registry.h"

#include <stdbool.h>
#include <stdint.h>

#define GROUPS_NAME_BYTES 120 /* longest name of a group: what is granted to it has one, too */

/* As registry_name_is_valid(), and not longer than that. NULL may not. */
bool groups_name_is_valid(const char *name);

/* 1: changed; 0: it was so already. -EINVAL: the name of the group, or of a role that is added, is
 * not valid; -ENOENT: there is no such device to join. */
MQTT_NODISCARD int groups_join(struct registry *registry, const char *group, const char *device,
                               struct pki_fault *fault);
MQTT_NODISCARD int groups_leave(struct registry *registry, const char *group, const char *device,
                                struct pki_fault *fault);
MQTT_NODISCARD int groups_add_role(struct registry *registry, const char *group, const char *role,
                                   struct pki_fault *fault);
MQTT_NODISCARD int groups_remove_role(struct registry *registry, const char *group,
                                      const char *role, struct pki_fault *fault);

/* Calls `visit` for each member or role, by group; a result other than 0 ends the list and is
 * returned. `visit` may not change the registry. A row that cannot be read, because somebody else
 * wrote it, is visited with two empty names. */
typedef int (*groups_visit)(void *context, const char *group, const char *name);
MQTT_NODISCARD int groups_members(struct registry *registry, groups_visit visit, void *context,
                                  struct pki_fault *fault);
MQTT_NODISCARD int groups_roles(struct registry *registry, groups_visit visit, void *context,
                                struct pki_fault *fault);

/* When what is called `id` was first asked for: now_s if that is now, and then it is kept. */
MQTT_NODISCARD int groups_anchor(struct registry *registry, const char *id, int64_t now_s,
                                 int64_t *out_first_s, struct pki_fault *fault);
/* The same for those who only look. -ENOENT: nobody has asked for it yet. */
MQTT_NODISCARD int groups_find_anchor(struct registry *registry, const char *id,
                                      int64_t *out_first_s, struct pki_fault *fault);
