/* SPDX-License-Identifier: Apache-2.0 */
/* A grant of the registry as a part of a policy: what tacitd makes of a row, and what `tacit
 * grant add` asks before it writes one, so that no row is written that tacitd would leave out.
 *
 * Thread: that of the policy, while it is being built. */
#pragma once

#include "base/attrs.h"
#include "pki/grants.h"
#include "policy/policy.h"

/* Of the roles that carry what is granted to a group or a device alone: grants there have no bounds
 * but their own, and retained messages have to be granted. */
extern const struct role_options rulebook_grant_carrier_options;

/* The name of the role that carries it. -EINVAL: there can be none of that subject; the longest
 * name of a group is a little shorter than that of a role. */
MQTT_NODISCARD int rulebook_grant_carrier(const struct registry_grant *grant,
                                          char out[IDENTITY_NAME_BYTES + 1]);

/* The literal levels that the pattern begins with, up to and with their last '/': where a scoped
 * wildcard grant lies. "" if there are none. */
void rulebook_grant_prefix(const struct registry_grant *grant, char out[GRANT_PATTERN_SIZE]);

/* Adds it to its carrier, whose terms count where the grant has none of its own. 0, -EINVAL with a
 * static explanation in *out_why, or -ENOMEM. */
MQTT_NODISCARD int rulebook_grant_add(struct role *role, const struct registry_grant *grant,
                                      const char **out_why);

/* Would it be taken? The same answers; `options` are those of the carrier. */
MQTT_NODISCARD int rulebook_grant_check(const struct registry_grant *grant,
                                        const struct role_options *options, const char **out_why);
